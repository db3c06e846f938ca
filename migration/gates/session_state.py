"""Gates: what the service's applications keep in sessions, and what a switch changes in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.gateway.console import Console
from migration.gates.model import Gate, judged
from migration.gates.scene import Check, Scene, check
from migration.plan.session_changes import LIMITS, advice, session_changes
from migration.traffic.queries import RanStatement
from migration.traffic.read import Ran, read_ran
from migration.traffic.session_state import ADVICE, SessionUse, session_uses
from servers.pgbouncer_versions import fault, keeps_prepared, parse, text

_SHOWN = 6


@check("session-state", "start", "cutover", "rollback")
def session_state(scene: Scene) -> Iterator[Gate]:
    """No statement keeps anything in its session, where the gateway gives it to the next client."""
    if scene.service.pooling == "session":
        yield Gate("session-state", "go", "the gateway pools by session: each client keeps its own")
        return
    ran = _ran(scene)
    if ran.advice:
        yield Gate("session-state", "unknown", "pg_stat_statements cannot be read", "none", ran.advice)
        return
    found = session_uses(ran.statements)
    hidden = f"; {ran.hidden:,} calls of statements whose text cannot be read" if ran.hidden else ""
    lost = (
        "" if scene.service.shared else "; and it reaches other clients, because there is no login of its own"
    )
    yield judged(
        "session-state",
        bool(found),
        f"{_listed(found)}{hidden}" if found else f"none of {len(ran.statements):,} statements{hidden}",
        f"it ends with its transaction{lost}: {_advice(found)}; or give the service sessions (services.yaml:"
        " `pooling: session`). Where a statement is no more: SELECT pg_stat_statements_reset()",
        limit="none",
        otherwise="warn",
    )


@check("session-settings", "cutover", "rollback")
def session_settings(scene: Scene) -> Iterator[Gate]:
    """Sessions find the same settings on the other side."""
    changes = session_changes(scene.contract, scene.service)
    if scene.stage == "rollback":
        changes = [change.the_other_way() for change in changes]
    limits = any(change.name in LIMITS for change in changes)
    yield judged(
        "session-settings",
        bool(changes),
        "; ".join(map(str, changes)) or "all the same",
        advice(scene.service, changes),
        limit="none",
        otherwise="warn" if limits and scene.stage == "cutover" else "go",
    )


@check("gateway-version", "start", "cutover", "rollback")
def gateway_version(scene: Scene) -> Iterator[Gate]:
    """The gateway keeps the statements that drivers prepare, and has no known fault."""
    with Console(scene.service.gateway_control, f"the gateway of {scene.name}") as console:
        said = " ".join(value for row in console.show("version") for value in row.values())
    version = parse(said)
    wrong = fault(version) if version else ""
    if wrong:
        yield Gate(
            "gateway-version",
            "no-go",
            f"PgBouncer {text(version)} {wrong}",
            "",
            "take another version of PgBouncer, and `pulumi up`",
            overridable=True,
        )
        return
    prepared = keeps_prepared(version) or scene.service.pooling == "session"
    yield judged(
        "gateway-version",
        not prepared,
        f"PgBouncer {text(version)}",
        "drivers must not prepare statements on the server: `python -m migration config` prints how for each;"
        " 1.22 and newer keep them",
        limit="1.22",
        otherwise="warn",
    )


def _ran(scene: Scene) -> Ran:
    """What ran as the roles of the applications on the side that serves."""
    database, connection = scene.writable
    with database.translated("reading pg_stat_statements"):
        ran = read_ran(connection, scene.contract)
    if scene.stage != "rollback":
        return ran
    own = {scene.service.service.name, scene.service.login.name}
    kept: Sequence[RanStatement] = [one for one in ran.statements if one.role in own]
    return Ran(tuple(kept), ran.since, ran.forgotten, 0, ran.advice)


def _listed(found: Sequence[SessionUse]) -> str:
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(map(str, found[:_SHOWN])) + more


def _advice(found: Sequence[SessionUse]) -> str:
    kinds = list(dict.fromkeys(use.kind for use in found))
    return "; ".join(f"{kind}: {ADVICE[kind]}" for kind in kinds[:_SHOWN])


SESSION_STATE: tuple[Check, ...] = (session_state, session_settings, gateway_version)
