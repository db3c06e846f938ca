"""The steps of a rotation: settings, a preview of nothing else, `pulumi up`, the proof by logging in."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from components.contract import Contract, Service
from core.errors import AuthenticationFailed, ChangeRefused, LoginsInUse, PulumiFailed, WrongState
from core.evidence.chain import Evidence, Kind
from core.gateway.claim import claimed
from core.sessions.connections import Database
from core.sessions.stack import endpoint_database, read_contract
from operations.monitoring.figures.logins import keep_rotated
from operations.preview import pulumi
from operations.preview.steps import Preview, Step
from operations.rotation.stack_settings import Counts, StackSettings
from operations.rotation.users import users

_READ_SECONDS = 10
_OF_INSTANCES = frozenset({"roles", "administrator_password"})
"""What a rotation changes of an instance: who may log in."""


@dataclass(frozen=True)
class Rotated:
    """What was done."""

    service: str
    login: str
    """As which applications log in from now on."""
    previous: tuple[str, ...]
    """Logins that stay valid until `--finish`."""
    turns: int
    own: int
    steps: int
    """Resources that `pulumi up` changed."""

    def as_json(self) -> dict[str, Any]:
        """JSON types only, no secret."""
        return {**dataclasses.asdict(self), "previous": list(self.previous)}


def rotate(settings: StackSettings, service: Service) -> Counts:
    """The counts with which the other set of logins is current. Raises WrongState while one is under way."""
    counts = settings.counts(service.name)
    if counts.changing:
        raise WrongState(
            f"{service.name} is changing over to {service.login.name}, {', '.join(service.previous)} are"
            f" valid still: `python -m operations rotate {service.name} --finish` first"
        )
    variable = service.password_variable or ""
    back = counts.logins % 2 == 1
    if back and os.environ.get(variable) == service.service.password.get_secret_value():
        raise WrongState(f"{variable} is what {service.service.name} had: export a new one first")
    return dataclasses.replace(counts, logins=counts.logins + 1, changing=True)


def finish(settings: StackSettings, contract: Contract, service: Service, *, force: bool) -> Counts:
    """The counts with which only the current logins are valid.

    Raises WrongState when there is nothing to end, LoginsInUse with who is logged in with an old one.
    """
    counts = settings.counts(service.name)
    if not counts.changing:
        raise WrongState(f"no rotation of {service.name} is under way: {service.login.name} alone is valid")
    left = [] if force else users(contract, service)
    if left:
        raise LoginsInUse(
            f"{len(left)} still use the old logins of {service.name}: {'; '.join(map(str, left[:3]))}; give"
            f" them {service.login.name}, or end it for them with --force"
        )
    return dataclasses.replace(counts, changing=False)


def own(settings: StackSettings, service: Service) -> Counts:
    """The counts with which the passwords of our programs are new."""
    counts = settings.counts(service.name)
    return dataclasses.replace(counts, own=counts.own + 1)


def bring_up(
    settings: StackSettings,
    contract: Contract,
    service: Service,
    counts: Counts,
    phase: Callable[[str], None],
) -> Rotated:
    """Write the counts, see that nothing else would change, `pulumi up`, and log in.

    Raises ChangeRefused when something else would, AnotherOperator while a switch is under way, PulumiFailed.
    """
    with claimed(service, contract.source, "rotation of its logins"):
        phase("preview")
        with settings.unless() as kept:
            settings.write(service.name, counts)
            preview, _ = pulumi.preview(settings.folder, settings.stack)
            _require(preview, service.name, settings.stack)
            kept.append(True)
        phase("pulumi up")
        up(settings.folder, settings.stack)
        phase("log in")
        after = read_contract(settings.stack)
        now = after.services[service.name]
        prove(now)
    done = Rotated(service.name, now.login.name, now.previous, now.turns, counts.own, len(preview.steps))
    Evidence(after).add(Kind.ROTATED, done.as_json(), service=service.name)
    if now.turns != service.turns:
        keep_rotated(after, service.name, time.time())
    return done


def up(folder: Path, stack: str) -> None:
    """Bring a stack up. Raises PulumiFailed with Pulumi's own line."""
    done = pulumi.run(folder, "up", "--yes", "--skip-preview", "--stack", stack)
    if done.returncode:
        said = pulumi.last_line(done.stderr + "\n" + done.stdout)
        raise PulumiFailed(f"pulumi up: {said}; the settings stay: mend that, and `pulumi up` goes on")


def prove(service: Service) -> None:
    """Log in as applications do from now on, and as our programs. Raises what connecting raises."""
    own_database = Database(f"{service.name}'s own database", "target", service.instance, service.monitoring)
    for database in (endpoint_database(service), own_database):
        # PgBouncer reads its files when it comes to the signal.
        for attempt in Retrying(
            retry=retry_if_exception_type(AuthenticationFailed),
            stop=stop_after_delay(_READ_SECONDS),
            wait=wait_fixed(0.05),
            reraise=True,
        ):
            with attempt, closing(database.connect()) as connection, database.translated("logging in"):
                connection.execute("SELECT 1")


def _require(preview: Preview, service: str, stack: str) -> None:
    if preview.errors:
        raise ChangeRefused(f"the rotation is refused: {preview.errors[0]}")
    others = [step for step in preview.steps if not _expected(step, service)]
    if others:
        named = ", ".join(f"{step.operation} {step.name}" for step in others[:3])
        raise ChangeRefused(
            f"stack {stack} would change beside the rotation ({named}); `pulumi up --stack {stack}` first,"
            " then rotate: nothing was changed"
        )


def _expected(step: Step, service: str) -> bool:
    if step.type.startswith("pulumi:") and not step.type.startswith("pulumi:providers:postgresql"):
        return True
    if step.type.endswith(":RestorePoints") and step.operation == "update":
        # It logs in everywhere.
        return {change.name for change in step.changes} <= {"contract"}
    if step.service != service or step.operation not in {"create", "update"}:
        return False
    if step.type.endswith((":Instance", ":InstanceFiles")):
        return {change.name for change in step.changes} <= _OF_INSTANCES
    return True
