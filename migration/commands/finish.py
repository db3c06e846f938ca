"""`finish`: end a move for good; the old copy is put aside, never dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from components.contract import Service
from core.cli import All, AsJson, ContractFile, Services, Stack, Yes, chosen, invocation
from core.gateway.gateway import Gateway
from migration.commands.common import Workers
from migration.commands.verbs import SkipGate, Verbs, ask, at_work, show_states
from migration.finish.finish import finish_service
from migration.finish.rename import rename_pending
from migration.journal.journal import Move
from migration.journal.renamed import lost_name
from migration.journal.states import State
from migration.moves.online import Online


def finish(
    context: typer.Context,
    *,
    services: Services = None,
    everything: All = False,
    stack: Stack = None,
    contract: ContractFile = None,
    yes: Yes = False,
    workers: Workers = None,
    skip_gate: SkipGate = None,
    as_json: AsJson = False,
) -> None:
    """End the moves of services that are served by their own databases. Afterwards there is no way back.

    Verified once more, then replication ends, guards, publications and slots go, and the old copy in the
    shared database is renamed to <schema>_archived_<date>, where nobody can write to it. No row is dropped.
    Where services.yaml gives `ownSchema`, the schema takes that name in the service's own database, while its
    clients wait for a moment.
    """
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    wanted = chosen(agreed, services, everything=everything)
    with at_work(here, agreed, workers=workers) as verbs:
        moves = {move.service: move for move in verbs.journal.moves()}
        over = [
            s
            for s in wanted
            if s.name in moves
            and moves[s.name].state == State.FINISHED
            and not _to_settle(verbs, s, moves[s.name])
        ]
        left = [s for s in wanted if s not in over]
        renames = [f"{s.schema_name} to {s.own_schema}" for s in left if s.own_schema]
        renaming = f", and renames in their own databases {', '.join(renames)}" if renames else ""
        ask(
            here,
            yes,
            f"This ends the replication of {', '.join(s.name for s in left) or 'no service'} back to the "
            f"shared database and archives the old copies there{renaming}. Afterwards "
            "`rollback` is not possible.",
        )

        def act(online: Online, service: Service) -> Mapping[str, Any]:
            verification = finish_service(online, service, tuple(skip_gate or ()))
            archived = ""
            move = verbs.journal.last_move(service.name)
            for record in verbs.journal.steps(move) if move else ():
                archived = record.figures.get("archived_as") or archived
            said = "" if verification is None else f"{verification.rows:,} rows equal; "
            said += f"old copy: {archived}, closed"
            if service.own_schema:
                said += f"; schema: {service.own_schema}"
            schema = service.own_schema or service.schema_name
            return {"state": State.FINISHED, "archived_as": archived, "schema": schema, "note": said}

        results = {s.name: {"state": State.FINISHED, "note": "was finished already"} for s in over}
        done = {**results, **verbs.each(left, act)}
    show_states(here, done)


def _to_settle(verbs: Verbs, service: Service, move: Move) -> bool:
    """Whether a finished service's schema waits for its new name, its clients for that, or it is called
    otherwise than services.yaml says."""
    if lost_name(service, verbs.journal.steps(move)):
        return True
    if service.own_schema is None:
        return False
    return rename_pending(service) or Gateway(service, verbs.contract.source).is_paused()
