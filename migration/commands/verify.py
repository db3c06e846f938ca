"""`verify`: compare both sides, every row."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.table import Table as Grid

from migration.commands.common import (
    All,
    AsJson,
    ContractFile,
    Services,
    Stack,
    Workers,
    chosen,
    invocation,
)
from migration.commands.verbs import not_finished
from migration.commands.verify_schema import verify_schemas
from migration.errors import VerificationFailed, WrongState
from migration.journal import open_journal, read_moves
from migration.live_verification import verify_live
from migration.move_offline import compare_all
from migration.online import FOLLOWING, MOVED
from migration.online_move import OnlineMove
from migration.planning import read_plan
from migration.replication import Direction
from migration.stack import source_database
from migration.verification_model import Verification

_DIRECTIONS: dict[str, Direction] = {FOLLOWING: "forward", MOVED: "back"}


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
) -> None:
    """Compare every row of both sides, while services go on writing where one side follows the other.

    Where a service was moved with its writes stopped, no side follows: sequences and large objects are
    compared, too, and what it has written since its switch is listed as a difference. With --schema: what
    both sides' catalogues say, owners and privileges included, but for what the plan leaves behind; the
    DDL that would make the target equal is printed. Exit status 0: nothing differs; 21: something does.
    """
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    wanted = chosen(agreed, services, everything=everything)
    if schema:
        source = source_database(agreed)
        with source.connect() as connection, source.translated("reading the journal"):
            wanted = not_finished(read_moves(connection), wanted, everything=everything)
        verify_schemas(here, agreed, wanted)
        return
    verdicts: dict[str, Verification] = {}
    with open_journal(source_database(agreed), agreed) as journal, here.progress() as progress:
        for service in not_finished(journal.moves(), wanted, everything=everything):
            move = journal.last_move(service.name)
            if move is None or move.finished is not None:
                raise WrongState(f"{service.name} was not copied yet, there is nothing to compare; `run` it")
            if move.mode == "online" and move.state not in _DIRECTIONS:
                raise WrongState(
                    f"{service.name} is {move.state}, no side follows the other; `resume` it first"
                )
            plan = read_plan(agreed, [service])
            compared = OnlineMove(
                contract=agreed, service=service, plan=plan, journal=journal, move=move,
                progress=progress, stop=here.interruption.stop, workers=workers or os.cpu_count() or 2,
            )  # fmt: skip
            verdicts[service.name] = compare_all(compared) if move.mode == "offline" else _live(compared)
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
            verdicts[name].require()
        except VerificationFailed as error:
            if name == wrong[-1]:
                raise
            here.err.print(f"{name}: {error}", markup=False)


def _live(move: OnlineMove) -> Verification:
    return verify_live(move, _DIRECTIONS[move.move.state])
