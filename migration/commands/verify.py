"""`verify`: compare both sides, every row."""

from __future__ import annotations

import os
from functools import partial
from typing import Annotated

import typer
from rich.table import Table as Grid

from core.cli import All, AsJson, ContractFile, Services, Stack, chosen, invocation
from core.errors import VerificationFailed, WrongState
from core.sessions.stack import source_database
from migration.commands.common import Workers
from migration.commands.verbs import not_finished
from migration.commands.verify_schema import verify_schemas
from migration.examine.read_plan import read_plan
from migration.journal.evidence import evidence_of
from migration.journal.journal import open_journal, read_moves
from migration.journal.states import State
from migration.moves.offline import compare_all
from migration.moves.online import Online
from migration.replicate.flow import Direction
from migration.steps.context import OnlineMove
from migration.steps.runner import Runner
from migration.switch.live import repair_live, verify_live
from migration.switch.recheck import REPAIR
from migration.verify.model import Verification

_DIRECTIONS: dict[str, Direction] = {State.FOLLOWING: "forward", State.MOVED: "back"}


def verify(
    context: typer.Context,
    *,
    services: Services = None,
    everything: All = False,
    stack: Stack = None,
    contract: ContractFile = None,
    workers: Workers = None,
    as_json: AsJson = False,
    schema: Annotated[
        bool,
        typer.Option("--schema", help="Compare the schemas instead of the rows; print what differs as DDL."),
    ] = False,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="Give the side that follows the rows of the side that serves, where they differ."
        ),
    ] = False,
) -> None:
    """Compare every row of both sides, while services go on writing where one side follows the other.

    Where a service was moved with its writes stopped, no side follows: sequences and large objects are
    compared, too, and what it has written since its switch is listed as a difference. With --schema: what
    both sides' catalogues say, owners and privileges included, but for what the plan leaves behind; the
    DDL that would make the target equal is printed. With --repair: rows of the side that follows that differ
    are removed there and taken from the side that serves, then all is compared again; writers of such a table
    wait until the other side has applied what they wrote. Exit status 0: nothing differs; 21: something does.
    """
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    wanted = chosen(agreed, services, everything=everything)
    if schema and repair:
        raise typer.BadParameter("it is for rows; --schema prints what to run", param_hint="--repair")
    if schema:
        source = source_database(agreed)
        with source.connect() as connection, source.translated("reading the journal"):
            wanted = not_finished(read_moves(connection), wanted, everything=everything)
        verify_schemas(here, agreed, wanted)
        return
    verdicts: dict[str, Verification] = {}
    with (
        open_journal(source_database(agreed), agreed) as journal,
        evidence_of(here.warn, agreed, journal),
        here.progress() as progress,
    ):
        for service in not_finished(journal.moves(), wanted, everything=everything):
            move = journal.last_move(service.name)
            if move is None or move.finished is not None:
                raise WrongState(f"{service.name} was not copied yet, there is nothing to compare; `run` it")
            if move.mode == "online" and move.state not in _DIRECTIONS:
                raise WrongState(
                    f"{service.name} is {move.state}, no side follows the other; `resume` it first"
                )
            runner = Runner(journal, here.interruption, progress, here.observer)
            online = Online(agreed, runner, workers or os.cpu_count() or 2)
            plan = online.carried(service, partial(read_plan, agreed, [service]))
            compared = online.context(move, service, plan)
            verdicts[service.name] = _compared(compared, repair=repair)
            journal.record_verification(move, verdicts[service.name].as_json())
    if as_json:
        here.show_json({"services": {name: verdict.as_json() for name, verdict in verdicts.items()}})
    else:
        grid = Grid("service", "tables", "rows", "seconds", "verdict")
        for name, verdict in verdicts.items():
            said = "equal" if verdict.equal else "differs"
            grid.add_row(name, str(len(verdict.tables)), f"{verdict.rows:,}", f"{verdict.seconds:.1f}", said)
        here.out.print(grid)
    wrong = [name for name, verdict in verdicts.items() if not verdict.equal]
    for name in wrong:
        try:
            verdicts[name].require(REPAIR)
        except VerificationFailed as error:
            if name == wrong[-1]:
                raise
            here.err.print(f"{name}: {error}", markup=False)


def _compared(move: OnlineMove, *, repair: bool) -> Verification:
    if move.move.mode == "offline":
        if repair:
            raise WrongState(
                f"{move.name} was moved with its writes stopped: no side follows that could be repaired"
            )
        return compare_all(move)
    direction = _DIRECTIONS[move.move.state]
    if not repair:
        return verify_live(move, direction)
    verification, rows = repair_live(move, direction)
    move.progress.note(f"{move.name}: {rows:,} rows repaired")
    return verification
