"""`resume`: bring to an end whatever was cut off."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import typer

from components.contract import Contract, Service
from core.cli import All, AsJson, ContractFile, Services, Stack, Yes, chosen, invocation
from core.errors import MigrationError
from core.gateway.gateway import Gateway
from migration.commands.verbs import at_work, show_states, source_plan
from migration.finish.finish import finish_service
from migration.guards.flag import UPDATED
from migration.journal.journal import Group, Journal, StepRecord
from migration.journal.renamed import RENAME_STEP, lost_name
from migration.journal.states import SWITCHING, State
from migration.moves.online import Online
from migration.replicate.stalls import why_stalled
from migration.steps.context import OnlineMove

_ROUTES = {State.FOLLOWING: "source", State.MOVED: "target"}


def resume(
    context: typer.Context,
    *,
    services: Services = None,
    everything: All = False,
    stack: Stack = None,
    contract: ContractFile = None,
    _yes: Yes = False,  # it never asks: a script gives all verbs the same options
    as_json: AsJson = False,
) -> None:
    """Settle what was cut off: a start is undone, a switch goes back or forward, a finish is finished.

    Never opens a side while the other one may be open. What needs nothing is left alone; a gateway that
    is paused, or leads elsewhere than its service is served, is put right. Those that were being switched
    together with one that is named come with it. Default: every service.
    """
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    wanted = chosen(agreed, services, everything=everything or not services)
    with at_work(here, agreed) as verbs:
        wanted = _with_their_groups(verbs.journal, agreed, wanted)
        found = {move.service: move for move in verbs.journal.moves()}

        def act(online: Online, service: Service) -> Mapping[str, Any]:
            before = found.get(service.name)
            if before is not None and before.state == State.FINISHED:
                note = _still_finished(agreed, service, verbs.journal.steps(before))
                return {"state": State.FINISHED, "note": note}
            if before is None or before.finished is not None:
                return {"state": before.state if before else "not begun", "note": "nothing was under way"}
            if before.state == State.FINISHING:
                # Whichever way it was moved.
                finish_service(online, service)
                return {"state": State.FINISHED, "note": "finished now"}
            if before.mode == "offline":
                note = "" if before.state == State.MOVED else "`run --stop-writes` goes on with it"
                return {"state": before.state, "note": note}
            plan = source_plan(agreed, service)
            _settle_others(online, agreed, verbs.journal.group(before), service)
            move = online.resume(service, plan)
            if move is None:
                return {"state": "not begun", "note": _note(before.state, "not begun")}
            notes = [_note(before.state, move.state)]
            if move.state in _ROUTES:
                if _put_right(agreed.source, service, move.state):
                    notes.append("its gateway was put right")
                context = online.context(move, service, plan)
                notes += [*restarted(context), *updated(context)]
            return {"state": move.state, "note": "; ".join(notes)}

        results = verbs.each(wanted, act)
    show_states(here, results)


def _with_their_groups(journal: Journal, contract: Contract, wanted: Sequence[Service]) -> list[Service]:
    """`wanted`, and those that were being switched together with one of them: all go one way."""
    names = {service.name: service for service in wanted}
    for move in journal.moves():
        if move.service in {*names} and move.state in SWITCHING and (group := journal.group(move)):
            names |= {name: contract.services[name] for name in group.services if name in contract.services}
    return list(names.values())


def _settle_others(online: Online, contract: Contract, group: Group | None, service: Service) -> None:
    """Ahead of one of a group the others: what keeps it from being settled must not keep their clients."""
    for name in group.services if group else ():
        if name != service.name and name in contract.services:
            with contextlib.suppress(MigrationError):  # said when it is its turn
                other = contract.services[name]
                if (move := online.state(other)) is not None and move.state in SWITCHING:
                    online.resume(other, source_plan(contract, other))


def _still_finished(contract: Contract, service: Service, steps: Sequence[StepRecord]) -> str:
    """What to say of a service that is finished; a gateway that a killed rename left paused goes on."""
    gateway, astray = Gateway(service, contract.source), False
    if service.own_schema is not None or any(s.step == RENAME_STEP and s.outcome is None for s in steps):
        astray = gateway.is_paused()
        gateway.resume()
    if lost := lost_name(service, steps):
        return lost
    if astray:
        return "its gateway was put right; `finish` goes on"
    return "nothing was under way" if service.own_schema is None else "needed nothing"


def _note(before: str, after: str) -> str:
    if before == State.STARTING:
        return "the start was undone: start it again"
    if before in SWITCHING:
        return f"it was {before}; {'the switch was finished' if _forward(before, after) else 'it went back'}"
    return "needed nothing"


def _forward(before: str, after: str) -> bool:
    return after == {"cutover": State.MOVED, "rollback": State.FOLLOWING}[SWITCHING[before]]


def restarted(move: OnlineMove) -> list[str]:
    """Start the replication again where somebody disabled it; returns what to say of it."""
    try:
        with move.forward() if move.move.state == State.FOLLOWING else move.back() as flow:
            state = flow.subscription.state()
            if state is None:
                return []
            if state.enabled:
                control = move.service.instance_control if move.move.state == State.FOLLOWING else None
                why = why_stalled(flow.at_subscriber, flow.name, control)
                return [f"its replication does not run: {why}"] if why else []
            flow.start()
    except MigrationError as error:
        return [f"its replication cannot be looked at: {error}"]
    return [f"its replication had stopped after {state.errors} errors and was started again"]


def updated(move: OnlineMove) -> list[str]:
    """Bring guards up to date that an older version of this program made; returns what to say of them."""
    said = []
    for database in (move.source, move.target):
        try:
            with move.guards(database) as guards:
                if guards.update():
                    said.append(UPDATED[database.side])
        except MigrationError as error:
            said.append(f"its guards cannot be looked at: {error}")
    return said


def _put_right(source: Any, service: Service, state: str) -> bool:
    """Lead a settled service's gateway where it is served; returns whether it did not."""
    gateway = Gateway(service, source)
    route: Any = _ROUTES[State(state)]
    elsewhere = not gateway.is_at(route)
    astray = elsewhere or gateway.is_paused()
    if elsewhere:
        gateway.repoint(route)
    gateway.resume()
    return astray
