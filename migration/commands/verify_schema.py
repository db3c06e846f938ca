"""`verify --schema`: compare what both sides' catalogues say, no rows."""

from __future__ import annotations

from collections.abc import Sequence

from components.contract import Contract, Service
from core.cli import Invocation
from core.errors import VerificationFailed, WrongState
from core.sessions.stack import source_database, target_database
from migration.examine.read_plan import read_plan
from migration.fidelity.verdict import SchemaVerdict, verify_schema
from migration.journal.journal import read_moves


def verify_schemas(here: Invocation, contract: Contract, services: Sequence[Service]) -> None:
    """Compare the services' schemas, and show what differs as DDL (or, with `--json`, as JSON).

    Takes no lock and writes nothing. Raises WrongState for a service that was not copied,
    VerificationFailed where something differs.
    """
    source = source_database(contract)
    with source.connect() as connection, source.translated("reading the journal"):
        moves = {move.service: move for move in read_moves(connection)}
    for service in services:
        move = moves.get(service.name)
        if move is None or move.finished is not None:
            raise WrongState(f"{service.name} was not copied yet, there is nothing to compare; `run` it")
    # One catalogue, read once, for all of them: dumps and plans are of one time.
    plan = read_plan(contract, services)
    verdicts = [
        verify_schema(contract, plan, service.name, source, target_database(service)) for service in services
    ]
    _show(here, verdicts)
    wrong = [verdict for verdict in verdicts if not verdict.equal]
    for verdict in wrong:
        try:
            verdict.require()
        except VerificationFailed as error:
            if verdict is wrong[-1]:
                raise
            here.err.print(f"{verdict.service}: {error}", markup=False)


def _show(here: Invocation, verdicts: Sequence[SchemaVerdict]) -> None:
    if here.as_json:
        here.show_json({"services": {verdict.service: verdict.as_json() for verdict in verdicts}})
        return
    for verdict in verdicts:
        if verdict.equal:
            here.out.print(f"-- {verdict.service}: equal, {verdict.objects:,} objects", markup=False)
        else:
            here.out.print(verdict.script(), markup=False, soft_wrap=True)
