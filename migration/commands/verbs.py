"""What the verbs of the online move share: the journal, asking a person, showing how switches went."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Thread
from typing import Annotated, Any

import typer
from rich.table import Table as Grid

from components.contract import Contract, Service
from core.cli import Invocation
from core.errors import WrongState
from core.evidence.chain import Kind
from core.progress.interface import Progress
from core.sessions.stack import source_database
from migration.catalog.read import read_catalog
from migration.commands.common import DEFAULT_WAL_GIB
from migration.copy.pace import CopyPace
from migration.gates.model import GateLimits, GateReport
from migration.journal.evidence import evidence_of, keep
from migration.journal.journal import Journal, Move, open_journal
from migration.journal.states import State
from migration.moves.online import Online
from migration.physical.choose import Physical
from migration.physical.places import mend
from migration.plan.make import make_plan
from migration.plan.model import Plan
from migration.sampling.sampler import Sampler, sampled
from migration.steps.runner import Runner
from migration.switch.carry_out import Limits, SwitchResult
from migration.switch.protocol import Step

SkipGate = Annotated[
    list[str] | None,
    typer.Option("--skip-gate", metavar="NAME", help="Go on in spite of this gate's no-go; it is recorded."),
]
DEFAULT_PAUSE_SECONDS = Limits().pause
"""How long transactions under way may take to end."""
DEFAULT_SWITCH_SECONDS = Limits().inside
"""How long everything between the paused gateway and the new side's opening may take."""


@dataclass
class Verbs:
    """An invocation that holds the operator's lock."""

    here: Invocation
    contract: Contract
    journal: Journal
    workers: int
    wal_limit_bytes: int
    limits: Limits = field(default_factory=Limits)
    pace: CopyPace = field(default_factory=CopyPace)
    physical: Physical = "never"
    doing: str = ""
    """The service that is worked on, for the display."""
    sampler: Sampler | None = None
    """Who looks at throughput and latency meanwhile."""

    @property
    def gate_limits(self) -> GateLimits:
        """What the gates measure against."""
        return GateLimits(pause_seconds=self.limits.pause, wal_bytes=self.wal_limit_bytes)

    def online(self, progress: Progress) -> Online:
        """The verbs; each step of a switch is shown as it begins."""

        def watch(step: Step) -> None:
            if step is Step.PAUSE:
                progress.close()  # what is ahead of the pause has ended
            if self.sampler is not None:
                if step is Step.PAUSE:
                    self.sampler.rest()
                elif step is Step.DROP_FEED:
                    self.sampler.go_on()
            shown.put(f"{self.doing}: {step.value}")

        shown = _Shown(progress)
        runner = Runner(self.journal, self.here.interruption, progress, self.here.observer)
        return Online(
            self.contract,
            runner,
            self.workers,
            self.wal_limit_bytes,
            self.limits,
            watch,
            self.pace,
            self.physical,
        )

    def each(
        self, services: Sequence[Service], act: Callable[[Online, Service], Mapping[str, Any]]
    ) -> dict[str, Mapping[str, Any]]:
        """Do `act` for one service after the other; returns each one's result.

        What fails ends it: the services before are said to be done, those after it are left alone.
        """
        results: dict[str, Mapping[str, Any]] = {}
        with self.here.progress() as progress:
            online = self.online(progress)
            for service in services:
                self.doing = service.name
                progress.about(service.name)
                try:
                    self.here.interruption.check()
                    results[service.name] = act(online, service)
                except BaseException:
                    if results:
                        progress.note(f"done before that: {', '.join(results)}")
                        if self.here.as_json:
                            self.here.show_json({"services": dict(results)})
                    raise
        return results


class _Shown:
    """Shows lines from a thread of its own: a terminal that stands still must not lengthen a pause."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._thread: Thread | None = None

    def put(self, line: str) -> None:
        """Show a line soon."""
        if self._thread is None:
            self._thread = Thread(target=self._show, name="shown", daemon=True)
            self._thread.start()
        self._lines.put(line)

    def _show(self) -> None:
        while True:
            self._progress.note(self._lines.get())


@contextmanager
def at_work(
    here: Invocation,
    contract: Contract,
    *,
    workers: int | None = None,
    wal_limit: float = DEFAULT_WAL_GIB,
    limits: Limits | None = None,
    pace: CopyPace | None = None,
    physical: Physical = "never",
) -> Iterator[Verbs]:
    """Take the operator's lock for a verb. `wal_limit` in GiB.

    An instance whose data folder a killed start was exchanging is put right first. Raises AnotherOperator,
    FilesFailed and what connecting raises.
    """
    with (
        open_journal(source_database(contract), contract) as journal,
        evidence_of(here.warn, contract, journal),
        sampled(contract, here.warn) as sampler,
    ):
        put_right(here, contract)
        many, kept = workers or os.cpu_count() or 2, int(wal_limit * 2**30)
        yield Verbs(
            here, contract, journal, many, kept, limits or Limits(), pace or CopyPace(), physical,
            sampler=sampler,
        )  # fmt: skip


def put_right(here: Invocation, contract: Contract) -> None:
    """Let every instance be whole whose data folder a killed start was exchanging. Raises FilesFailed."""
    for service in contract.services.values():
        if mend(service):
            here.warn(f"{service.name}'s own instance was put right after a start that was killed")


def copy_pace(rate_limit: float | None, no_throttle: bool) -> CopyPace:
    """What `--rate-limit` (megabytes a second) and `--no-throttle` ask for; raises BadParameter for both."""
    if rate_limit is not None and no_throttle:
        raise typer.BadParameter("--rate-limit and --no-throttle exclude each other: pass one of them")
    return CopyPace(None if rate_limit is None else rate_limit * 1e6, watched=not no_throttle)


def source_plan(contract: Contract, service: Service) -> Plan:
    """A service's plan from the shared database alone, for what must also work while its own is down."""
    source = source_database(contract)
    with source.connect() as connection, source.translated("reading its catalogue"):
        catalog = read_catalog(connection, application=contract.source.application.name)
    return make_plan(contract, catalog, [service.name])


def not_finished(moves: Iterable[Move], services: Sequence[Service], *, everything: bool) -> list[Service]:
    """`services` without those that are finished; raises WrongState for one that was named."""
    over = {move.service for move in moves if move.state == State.FINISHED}
    for service in services:
        if service.name in over and not everything:
            raise WrongState(
                f"{service.name} is finished: it lives in its own database and its old copy is archived; "
                "there is nothing left to do for it"
            )
    return [service for service in services if service.name not in over]


def ask(here: Invocation, yes: bool, what: str) -> None:
    """Let a person confirm `what` happens, unless `--yes` did. Raises WrongState where nobody is there."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise WrongState("nobody is there to confirm; run it with --yes")
    here.err.print(what, markup=False, soft_wrap=not here.err.is_terminal)
    typer.confirm("Go on?", abort=True, err=True)


def switch_figures(result: SwitchResult) -> dict[str, Any]:
    """A switch as JSON types: the pause and every step, in milliseconds."""
    return {
        "pause_ms": round(result.pause_ms, 1),
        "steps_ms": {name: round(ms, 1) for name, ms in result.step_ms.items()},
    }


def show_switches(here: Invocation, verb: str, results: Mapping[str, Mapping[str, Any]]) -> None:
    """Print how long each service's clients waited, and what the time went to."""
    if here.as_json:
        here.show_json({"services": dict(results)})
        return
    grid = Grid("service", verb, "pause", "steps, in milliseconds")
    for name, figures in results.items():
        steps = ", ".join(
            f"{step.replace('_', ' ')} {ms:.0f}" for step, ms in figures.get("steps_ms", {}).items()
        )
        pause = figures.get("pause_ms")
        grid.add_row(name, figures.get("state", ""), "" if pause is None else f"{pause:.0f} ms", steps)
    here.out.print(grid)


def show_states(here: Invocation, results: Mapping[str, Mapping[str, Any]]) -> None:
    """Print each service's state and a line about it."""
    if here.as_json:
        here.show_json({"services": dict(results)})
        return
    grid = Grid("service", "state", "")
    for name, figures in results.items():
        grid.add_row(name, str(figures["state"]), str(figures.get("note", "")))
    here.out.print(grid)


def note_decisions(here: Invocation, contract: Contract, plan: Plan, services: Iterable[Service]) -> None:
    """What is done about each thing that crosses from these services to others, and why."""
    for service in services:
        edges: list[dict[str, Any]] = [
            {
                "edge": edge.identity,
                "kind": edge.kind,
                "towards": edge.towards,
                "action": edge.action,
                "reason": edge.reason,
            }
            for edge in plan.services[service.name].edges
        ]
        keep(here.warn, contract, Kind.DECIDED, service.name, {"edges": edges})


def note_gates(here: Invocation, contract: Contract, report: GateReport) -> None:
    """What the gates said, before anything is done or refused by them."""
    gates = [
        {"name": one.name, "verdict": one.verdict, "figure": here.scrub(one.figure), "limit": one.limit}
        for one in report.gates
    ]
    facts = {"stage": report.stage, "verdict": report.verdict, "gates": gates}
    keep(here.warn, contract, Kind.GATES, report.service, facts)
