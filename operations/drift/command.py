"""`drift`: what of a stack is not as it was declared, where that comes from, what mends it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from components.contract import Contract
from core.cli import AsJson, invocation
from core.errors import DriftFound, PulumiFailed
from core.sessions.session import Connection
from core.sessions.stack import read_contract
from operations.drift import admission, containers, gateway, parameters, refresh, rights, roles
from operations.drift.model import Declared, Difference, read_state
from operations.drift.session import session, up
from operations.preview import pulumi

_ROOT = Path(__file__).parents[2]
_INSIDE: tuple[Callable[[Declared, Connection], Iterator[Difference]], ...] = (
    parameters.check,
    roles.check,
    rights.check,
    admission.check,
)
_AT_ONCE = 4


def drift(
    context: typer.Context,
    stack: Annotated[str, typer.Argument(help="The Pulumi stack.")],
    *,
    without_refresh: Annotated[
        bool, typer.Option("--no-refresh", help="Leave out Pulumi's refresh preview, the slower half.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare a stack with what was declared: in PostgreSQL, PgBouncer and Docker, and as Pulumi sees it.

    Touches nothing. Exit status 0: nothing differs; 82: something does; another: it could not be looked at.
    """
    run = invocation(context, as_json=as_json)
    folder = _project()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        refreshed = None if without_refresh else pool.submit(refresh.check, folder, stack)
        contract = pool.submit(read_contract, stack, None)
        services = read_state(exported(folder, stack), stack)
        looked = [pool.submit(look, one, contract.result()) for one in services.values()]
        found = [difference for one in looked for difference in one.result()]
        found = merged(found, refreshed.result() if refreshed else [])
    if as_json:
        run.show_json({"stack": stack, "differences": [vars(one) for one in found]})
    else:
        typer.echo(shown(stack, found), nl=False)
    if found:
        raise DriftFound(f"stack {stack}: {len(found)} things are not as they were declared")


def look(declared: Declared, contract: Contract) -> list[Difference]:
    """Everything of one service that Pulumi does not look at."""
    found: list[Difference] = []
    service = contract.services.get(declared.service)
    if service is not None:
        found += gateway.check(declared, service)
    found += containers.check(declared)
    try:
        with session(declared) as connection:
            for check in _INSIDE:
                found += check(declared, connection)
    except psycopg.OperationalError as error:
        said = str(error).strip().splitlines()[-1]
        found.append(Difference(declared.service, "instance", "answers", said, "a login", up(declared)))
    return found


def merged(own: list[Difference], refreshed: list[Difference]) -> list[Difference]:
    """Ours, and what only Pulumi saw: of a thing that both name, ours say it more exactly."""
    more = [one for one in refreshed if not any(_of_the_same(one, other) for other in own)]
    return sorted({*own, *more}, key=lambda one: (one.service, one.what, one.found))


def _of_the_same(refreshed: Difference, own: Difference) -> bool:
    if refreshed.service != own.service:
        return False
    subject = refreshed.what.partition("(")[2].partition(")")[0]
    if subject.endswith(":Instance"):
        return own.what.startswith(("parameter ", "pg_hba.conf", "instance"))
    if subject.endswith(":Gateway"):
        return own.what.startswith("gateway")
    return subject in re.split(r"[^\w]+", own.what)


def shown(stack: str, found: list[Difference]) -> str:
    """The differences as lines for a person, each with its remedy."""
    if not found:
        return f"stack {stack}: everything is as it was declared\n"
    lines = []
    for one in found:
        lines.append(f"{one.service}: {one.what}: {one.found}, declared: {one.declared} ({one.origin})")
        lines.append(f"    {one.mend}")
    return "\n".join(lines) + "\n"


def exported(folder: Path, stack: str) -> dict[str, object]:
    """The stack's state, secrets in clear. Raises PulumiFailed."""
    done = pulumi.run(folder, "stack", "export", "--show-secrets", "--stack", stack)
    if done.returncode:
        raise PulumiFailed(done.stderr.strip().splitlines()[-1].removeprefix("error: "))
    state: dict[str, object] = json.loads(done.stdout)
    return state


def _project() -> Path:
    here = Path.cwd()
    return here if (here / "Pulumi.yaml").is_file() else _ROOT
