"""`finish`: end a move for good; the old copy is put aside, never dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from components.contract import Service
from migration.commands.common import (
    All,
    AsJson,
    ContractFile,
    Services,
    Stack,
    Workers,
    Yes,
    chosen,
    invocation,
)
from migration.commands.verbs import ask, at_work, show_states
from migration.finish import finish_service
from migration.online import FINISHED, Online


def finish(
    context: typer.Context,
    *,
    services: Services = None,
    everything: All = False,
    stack: Stack = None,
    contract: ContractFile = None,
    yes: Yes = False,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """End the moves of services that are served by their own databases. Afterwards there is no way back.

    Verified once more, then replication ends, guards, publications and slots go, and the old copy in the
    shared database is renamed to <schema>_archived_<date>, where nobody can write to it. No row is dropped.
    """
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    wanted = chosen(agreed, services, everything=everything)
    with at_work(here, agreed, workers=workers) as verbs:
        moves = {move.service: move for move in verbs.journal.moves()}
        over = [s for s in wanted if s.name in moves and moves[s.name].state == FINISHED]
        left = [s for s in wanted if s not in over]
        ask(
            here,
            yes,
            f"This ends the replication of {', '.join(s.name for s in left) or 'no service'} back to the "
            "shared database and archives the old copies there. Afterwards `rollback` is not possible.",
        )

        def act(online: Online, service: Service) -> Mapping[str, Any]:
            verification = finish_service(online, service)
            archived = ""
            move = verbs.journal.last_move(service.name)
            for record in verbs.journal.steps(move) if move else ():
                archived = record.figures.get("archived_as") or archived
            said = "" if verification is None else f"{verification.rows:,} rows equal; "
            return {"state": FINISHED, "archived_as": archived, "note": f"{said}old copy: {archived}, closed"}

        results = {s.name: {"state": FINISHED, "note": "was finished already"} for s in over}
        done = {**results, **verbs.each(left, act)}
    show_states(here, done)
