"""The quick rollback of one service, to the shared database or to its own as it was restored."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from components.contract import Service
from core.errors import GatewayFailed, MigrationError, WrongState
from core.gateway.claim import claimed
from core.sessions.stack import target_database
from migration.journal.journal import Move
from migration.journal.states import State
from migration.moves.online import Online
from migration.plan.model import Plan
from migration.quick.context import SEQUENCE_GAP, Beyond, QuickMove
from migration.quick.fall_back import FALL_BACK
from migration.quick.recover import RECOVER

Way = Literal["shared", "own"]

_WAITING = 60.0
"""Seconds that a restore point or another run may hold the gateway."""


@dataclass(frozen=True)
class Choice:
    """What the person decided."""

    way: Way
    beyond: Beyond | None = None
    sequence_gap: int = SEQUENCE_GAP
    kept_in: Path = Path()


def require_quick(online: Online, service: Service) -> Move:
    """The move of a service that can be rolled back quickly, or that was cut off in it. Raises WrongState."""
    move = online.state(service)
    if move is not None and (move.mode, move.state) == ("online", State.FALLEN):
        raise WrongState(
            f"{service.name} is served by the shared database already, without its own; `pulumi up` makes "
            "that anew, then `abort` and `start` begin its move again"
        )
    if move is not None and move.mode == "online" and move.state in {State.FALLING, State.RECOVERING}:
        return move
    return online.require_way_back(service)


def answers(service: Service) -> bool:
    """Whether the service's own database takes sessions now."""
    with contextlib.suppress(MigrationError):
        target_database(service).connect(connect_timeout=3).close()
        return True
    return False


def quick_rollback(online: Online, service: Service, plan: Plan, choice: Choice) -> Mapping[str, Any]:
    """Do it; returns figures. A run that was cut off is gone on with by the same way.

    Raises WrongState (another way was begun, its own database answers, or the person has to decide about what
    differs), GatewayFailed, VerificationFailed, and what a step raised.
    """
    move = require_quick(online, service)
    begun: dict[str, Way] = {State.FALLING: "shared", State.RECOVERING: "own"}
    if move.state == State.FALLING and choice.way != "shared":
        raise WrongState(
            f"{service.name} is {move.state} already, to the shared database: run it with --to shared"
        )
    if choice.way == "shared" and move.state == State.MOVED and answers(service):
        raise WrongState(
            f"the own database of {service.name} answers: `rollback --immediate {service.name}` loses "
            f"nothing "
            "(if its data is wrong, the shared database has the same, and only a restore to before that "
            "helps)"
        )
    context = _context(online, move, service, plan, choice)
    try:
        context.gateway.is_paused()
    except GatewayFailed as error:
        raise GatewayFailed(f"{error}; nothing was begun") from error
    steps, during, after = (
        (FALL_BACK, State.FALLING, State.FALLEN)
        if choice.way == "shared"
        else (RECOVER, State.RECOVERING, State.MOVED)
    )
    online.runner.interruption.check()
    with claimed(service, online.contract.source, f"rollback --quick of {service.name}", _WAITING):
        if move.state not in begun or begun[move.state] != choice.way:
            move = online.runner.journal.set_state(move, during)
        if choice.way == "own" and not answers(service):
            context.hold_clients()
            raise WrongState(
                f"the clients of {service.name} wait now, so that nobody reaches its database when it "
                f"comes back: "
                "restore it (docs/runbooks/restore-points.md), then run this again; or --to shared"
            )
        done = online.runner.run(move, steps, context)
        online.runner.journal.set_state(move, after)
    figures = {name: dict(one) for name, one in done.items() if one}
    return {"state": after, "kept": str(context.kept) if context.kept else None, "steps": figures}


def _context(online: Online, move: Move, service: Service, plan: Plan, choice: Choice) -> QuickMove:
    plain = online.context(move, service, plan)
    shared = {field.name: getattr(plain, field.name) for field in fields(plain)}
    return QuickMove(**shared, beyond=choice.beyond, sequence_gap=choice.sequence_gap, kept_in=choice.kept_in)
