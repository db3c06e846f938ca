"""`rollback --quick`: a service whose own database is lost or wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import typer
from rich.table import Table as Grid

from components.contract import Contract, Service
from core.cli import Invocation, chosen
from core.errors import UnknownService
from core.progress.interface import Silent
from migration.commands.verbs import Verbs, ask, at_work, source_plan
from migration.consistency.check import check_consistency
from migration.moves.online import Online
from migration.quick.context import Beyond
from migration.quick.losses import Loss, losses
from migration.quick.verbs import Choice, Way, quick_rollback, require_quick
from servers.paths import state_dir

_ASKED: Mapping[Way, str] = {
    "shared": "This gives up {name}'s own database: the shared database takes its writes from now on, "
    "without what "
    "its own had not sent. Its clients are led there.",
    "own": "This serves {name} from its own database as it was restored. Its clients wait while all rows are "
    "compared with the shared database; what differs is kept in a file{beyond}. Replication is made anew.",
}
_BEYOND: Mapping[Beyond | None, str] = {
    "apply": ", and its own takes over what the shared database has",
    "leave": ", and the shared database loses what its own has not",
    None: "; where anything differs, both stay closed until you decide (--beyond)",
}


@dataclass(frozen=True)
class Asked:
    """What was asked for on the command line."""

    way: Way | None
    beyond: Beyond | None
    sequence_gap: int

    @classmethod
    def parse(cls, to: str | None, beyond: str | None, sequence_gap: int) -> Asked:
        """Raises BadParameter."""
        ways: dict[str | None, Way | None] = {None: None, "shared": "shared", "own": "own"}
        decisions: dict[str | None, Beyond | None] = {None: None, "apply": "apply", "leave": "leave"}
        if to not in ways:
            raise typer.BadParameter(f"{to!r} is neither 'shared' nor 'own'", param_hint="--to")
        if beyond not in decisions or (beyond and to != "own"):
            raise typer.BadParameter("is apply or leave, and only with --to own", param_hint="--beyond")
        return cls(ways[to], decisions[beyond], sequence_gap)


def roll_back_quickly(
    here: Invocation, agreed: Contract, names: Sequence[str] | None, asked: Asked, *, yes: bool
) -> None:
    """Say what each way would lose; with `--to`, do it."""
    wanted = chosen(agreed, list(names or ()), everything=False)
    if len(wanted) != 1:
        raise UnknownService("name one service: each is decided about by itself")
    service = wanted[0]
    with at_work(here, agreed) as verbs:
        require_quick(verbs.online(Silent()), service)
        plan = source_plan(agreed, service)
        found = losses(agreed, service, plan.services[service.name])
        here.show_json({"service": service.name, "ways": [loss.as_json() for loss in found]})
        if not here.as_json:
            here.out.print(_grid(found))
        if asked.way is None:
            return
        ask(here, yes, _ASKED[asked.way].format(name=service.name, beyond=_BEYOND[asked.beyond]))
        choice = Choice(asked.way, asked.beyond, asked.sequence_gap, state_dir() / "rollbacks")
        results = verbs.each([service], lambda online, one: _quick(verbs, online, one, choice))
        _show(here, service, results[service.name])


def _quick(verbs: Verbs, online: Online, service: Service, choice: Choice) -> Mapping[str, Any]:
    done = quick_rollback(online, service, source_plan(verbs.contract, service), choice)
    checked = check_consistency(verbs.contract, [service.name], limit=20, progress=Silent())
    return {**done, "consistency": checked.as_json()}


def _show(here: Invocation, service: Service, result: Mapping[str, Any]) -> None:
    if here.as_json:
        here.show_json({"services": {service.name: dict(result)}})
        return
    orphans = result["consistency"]["orphan_rows"]
    here.out.print(f"{service.name} is {result['state']} and served", markup=False)
    if result["kept"]:
        here.out.print(f"rows that differed are kept in {result['kept']}", markup=False)
    if orphans:
        here.out.print(
            f"{orphans:,} rows refer to what is not there any more: `python -m migration consistency` "
            f"names them",
            markup=False,
        )
    if result["state"] == "moved":
        here.out.print(
            "its time-line is a new one: take a base backup now (python -m operations backup)", markup=False
        )


def _grid(found: Sequence[Loss]) -> Grid:
    grid = Grid("way", "rows lost", "seconds lost", "what that is", "")
    for loss in found:
        rows = "not known" if loss.rows is None else f"{loss.rows:,}"
        seconds = "not known" if loss.seconds is None else f"{loss.seconds:,.1f}"
        verdict = "recommended" if loss.recommended else "" if loss.possible else "not possible"
        grid.add_row(loss.way, rows, seconds, loss.said, verdict)
    return grid
