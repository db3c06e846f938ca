"""The two ways in which `run` moves a service: while it is written to, and with its writes stopped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from components.contract import Contract, Service
from core.cli import Invocation
from core.errors import WrongState
from core.progress.interface import Progress
from core.sessions.stack import source_database
from migration.commands.verbs import Verbs, note_gates
from migration.commands.ways_back.slo import cut_over
from migration.examine.read_plan import read_plan
from migration.gates.check import check_gates, record_skipped
from migration.journal.journal import Journal
from migration.journal.states import SWITCHING, State
from migration.moves.run_offline import Pace, Prepared, move_service
from migration.plan.model import Plan
from migration.schema.dumps import SchemaDumps, schema_dumps
from migration.steps.runner import Runner


@dataclass
class OfflineWay:
    """Each service's clients wait while it is copied and verified."""

    here: Invocation
    contract: Contract
    journal: Journal
    pace: Pace
    waits: str = "While a service's data is copied and verified its clients wait."
    _dumps: list[SchemaDumps] = field(default_factory=list)

    @contextmanager
    def prepared(self, plan: Plan) -> Iterator[None]:
        """One dump of the schema serves all services."""
        with schema_dumps(source_database(self.contract)) as dumps:
            self._dumps = [dumps]
            yield

    def move(self, service: Service, plan: Plan, progress: Progress) -> None:
        """See `migration.moves.run_offline.move_service`."""
        runner = Runner(self.journal, self.here.interruption, progress, self.here.observer)
        (dumps,) = self._dumps
        move_service(self.contract, service, Prepared(plan, dumps), runner, self.pace)


@dataclass
class OnlineWay:
    """Start, gates, verification and cutover, with the services' clients at work."""

    verbs: Verbs
    skipped: Sequence[str]
    waits: str = (
        "Its clients go on while a service is copied, and wait for some hundred milliseconds at the end."
    )

    @contextmanager
    def prepared(self, plan: Plan) -> Iterator[None]:
        """Nothing: every start takes a dump of the schema as it is then."""
        yield

    def move(self, service: Service, plan: Plan, progress: Progress) -> None:
        """Move a service, or go on where a run, or another verb, stopped.

        Raises GateClosed, and what start and cutover raise: the service is then where it was, following
        once its start has succeeded.
        """
        verbs, contract = self.verbs, self.verbs.contract
        verbs.doing = service.name
        online = verbs.online(progress)
        move = online.state(service)
        if move is not None and (move.mode == "offline" or move.state == State.FINISHING):
            how = "`resume` it" if move.state == State.FINISHING else "`run --stop-writes` goes on with it"
            raise WrongState(f"{service.name} is {move.state} ({move.mode}): {how}")
        if move is not None and move.state in {State.STARTING, *SWITCHING}:
            progress.note(
                f"{service.name} was {move.state} when the last run was cut off: settling that first"
            )
            move = online.resume(service, plan)
        if move is not None and move.state == State.MOVED:
            return
        if move is None:
            # Those before it may have taken hours: what came since goes along.
            now = read_plan(contract, [service]).online()
            now.check()
            gates = check_gates(contract, service, now, "start", verbs.gate_limits)
            note_gates(verbs.here, contract, gates)
            gates.require(self.skipped)
            move = online.start(service, now)
            record_skipped(verbs.journal, move, gates, self.skipped)
            verbs.here.interruption.check()
        fresh = online.carried(service, lambda: read_plan(contract, [service]))
        online.update_guards(move, service, fresh)
        gates = check_gates(contract, service, fresh, "cutover", verbs.gate_limits)
        note_gates(verbs.here, contract, gates)
        gates.require(self.skipped)
        record_skipped(verbs.journal, move, gates, self.skipped)
        cut_over(verbs, online, service, fresh)
