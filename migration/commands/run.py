"""`run`: move services, one after the other, by default while they are written to."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Annotated, Protocol

import typer
from rich.table import Table as Grid

from components.contract import Contract, Service
from core.cli import All, AsJson, ContractFile, Invocation, Services, Stack, Yes, chosen, invocation
from core.errors import MigrationError, WrongState
from core.progress.interface import Progress
from core.progress.units import size
from core.sessions.stack import source_database
from migration.commands.common import (
    DEFAULT_PHYSICAL,
    DEFAULT_WAL_GIB,
    PAUSE_TIMEOUT,
    SWITCH_TIMEOUT,
    NoThrottle,
    PhysicalOption,
    Profiled,
    RateLimit,
    ReportFolder,
    WalLimit,
    Workers,
)
from migration.commands.run_ways import OfflineWay, OnlineWay
from migration.commands.verbs import (
    DEFAULT_PAUSE_SECONDS,
    DEFAULT_SWITCH_SECONDS,
    SkipGate,
    Verbs,
    copy_pace,
    not_finished,
    note_decisions,
    put_right,
)
from migration.examine.read_plan import examine
from migration.journal.evidence import evidence_of
from migration.journal.journal import Journal, open_journal, read_moves
from migration.moves.run_offline import Pace, is_moved, keep_moved
from migration.plan.model import Plan
from migration.plan.preflight import check_source
from migration.plan.view import plan_view
from migration.report.gather import completed
from migration.report.model import Report, ServiceReport, read_service_report
from migration.report.profile import Profile, profile_of
from migration.report.write import as_json, write_report
from migration.sampling.sampler import sampled
from migration.steps.context import PAUSE_SECONDS
from migration.switch.carry_out import Limits


def run(
    context: typer.Context,
    *,
    services: Services = None,
    everything: All = False,
    stack: Stack = None,
    contract: ContractFile = None,
    yes: Yes = False,
    workers: Workers = None,
    stop_writes: Annotated[
        bool,
        typer.Option(
            "--stop-writes", help="Let each service's clients wait while it is copied; no way back."
        ),
    ] = False,
    rate_limit: RateLimit = None,
    no_throttle: NoThrottle = False,
    physical: PhysicalOption = DEFAULT_PHYSICAL,
    wal_limit: WalLimit = DEFAULT_WAL_GIB,
    skip_gate: SkipGate = None,
    pause_timeout: Annotated[float | None, PAUSE_TIMEOUT] = None,
    switch_timeout: Annotated[float | None, SWITCH_TIMEOUT] = None,
    report: ReportFolder = None,
    profile: Profiled = False,
    as_json: AsJson = False,
) -> None:
    """Move services one after the other: copy, let follow, check the gates, verify every row, switch.

    Clients wait for a moment at the switch only; with --stop-writes they wait while their own service's
    data is copied, and nothing replicates back afterwards. Whatever fails before a service is switched is
    undone, and running it again goes on. A service that is moved already is left alone.
    """
    pace = copy_pace(rate_limit, no_throttle)
    if stop_writes and (rate_limit is not None or no_throttle):
        raise typer.BadParameter(
            "--stop-writes copies at full speed, because clients wait for it; leave "
            "--rate-limit and --no-throttle out"
        )
    if stop_writes and physical == "always":
        raise typer.BadParameter("--stop-writes copies tables; leave --physical always out")
    if stop_writes and switch_timeout is not None:
        raise typer.BadParameter(
            "--stop-writes copies while clients wait, however long it takes; leave --switch-timeout out"
        )
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    wanted = chosen(agreed, services, everything=everything)
    source = source_database(agreed)
    with source.connect() as connection, source.translated("reading the journal"):
        wanted = not_finished(read_moves(connection), wanted, everything=everything)
    check_source(agreed, wanted)
    many = workers or os.cpu_count() or 2
    with (
        open_journal(source, agreed) as journal,
        evidence_of(here.warn, agreed, journal),
        sampled(agreed, here.warn) as sampler,
    ):
        put_right(here, agreed)
        way: _Way
        if stop_writes:
            way = OfflineWay(here, agreed, journal, Pace(many, pause_timeout or PAUSE_SECONDS))
        else:
            limits = Limits(
                pause=pause_timeout or DEFAULT_PAUSE_SECONDS, inside=switch_timeout or DEFAULT_SWITCH_SECONDS
            )
            verbs = Verbs(
                here, agreed, journal, many, int(wal_limit * 2**30), limits, pace, physical, sampler=sampler
            )
            way = OnlineWay(verbs, tuple(skip_gate or ()))
        _Run(here, agreed, journal, way, writes_stop=stop_writes, profiled=profile).run(wanted, yes, report)


class _Way(Protocol):
    """How a run moves one service."""

    waits: str
    """What its clients notice, for the person who is asked."""

    def prepared(self, plan: Plan) -> AbstractContextManager[object]:
        """What lasts for the whole run."""
        ...

    def move(self, service: Service, plan: Plan, progress: Progress) -> None:
        """Move one service, or go on where a run was cut off."""
        ...


class _Run:
    def __init__(
        self,
        here: Invocation,
        contract: Contract,
        journal: Journal,
        way: _Way,
        *,
        writes_stop: bool,
        profiled: bool,
    ) -> None:
        self._here = here
        self._contract = contract
        self._journal = journal
        self._way = way
        self._writes_stop = writes_stop
        self._profiled = profiled
        self._finished: list[ServiceReport] = []

    def run(self, wanted: Sequence[Service], yes: bool, folder: ReportFolder) -> None:
        moved = [s for s in wanted if is_moved(self._journal.last_move(s.name))]
        pending = [s for s in wanted if s not in moved]
        with self._here.progress() as progress:
            self._keep(moved, progress)
        plan = None
        if pending:
            plan = examine(self._contract, pending, writes_stop=self._writes_stop)
            plan.check()
            if not yes:
                self._ask(plan, pending)
            note_decisions(self._here, self._contract, plan, pending)
        error: MigrationError | None = None
        if plan is not None:
            with self._way.prepared(plan), self._here.progress() as progress:
                error = self._move_all(pending, plan, progress)
        made = Report.make(self._contract, self._finished, _edges(plan), error, self._here.scrub)
        report = completed(made, self._contract)
        page, _ = write_report(report, folder)
        profiles = [profile_of(service) for service in report.services] if self._profiled else []
        if self._here.as_json:
            asked = {"profile": [one.as_json() for one in profiles]} if self._profiled else {}
            self._here.show_json(as_json(report) | {"report": str(page)} | asked)
        else:
            self._show(report, str(page))
            for one in profiles:
                self._here.out.print(_profile_grid(one))
        if error is not None:
            raise error

    def _keep(self, moved: Sequence[Service], progress: Progress) -> None:
        for service in moved:
            astray = keep_moved(self._contract, service)
            note = "; its gateway led elsewhere and leads there again" if astray else ""
            progress.note(f"{service.name} is moved already{note}")
            self._finished.append(read_service_report(self._journal, service.name, already=True))

    def _move_all(self, pending: Sequence[Service], plan: Plan, progress: Progress) -> MigrationError | None:
        """Move one after the other; what ends it is returned, so that the report is written first."""
        for service in pending:
            try:
                self._here.interruption.check()
                progress.about(service.name)
                self._way.move(service, plan, progress)
            except MigrationError as error:
                self._add_failed(service)
                return error
            self._finished.append(read_service_report(self._journal, service.name))
        return None

    def _add_failed(self, service: Service) -> None:
        # When the source is gone, so is the journal; the error says it, the report lacks the service.
        try:
            self._finished.append(read_service_report(self._journal, service.name))
        except MigrationError as error:
            self._here.err.print(f"the report lacks {service.name}: {error}", markup=False)

    def _ask(self, plan: Plan, pending: Sequence[Service]) -> None:
        if not sys.stdin.isatty():
            raise WrongState("nobody is there to confirm; look at `plan`, then run it with --yes")
        self._here.err.print(plan_view(plan))
        names = ", ".join(service.name for service in pending)
        self._here.err.print(
            f"\nThis moves {names}: {size(sum(s.bytes for s in plan.services.values()))} in all. "
            f"{self._way.waits} Then its gateway leads to its own database, and the shared one takes no more "
            "of its writes. Its data there is kept.",
            markup=False,
        )
        typer.confirm("Go on?", abort=True, err=True)

    def _show(self, report: Report, page: str) -> None:
        grid = Grid("service", "state", "tables", "rows", "size", "seconds", "clients waited", "verified")
        for service in report.services:
            waited = service.clients_waited_seconds
            grid.add_row(
                service.service,
                service.state,
                str(len(service.tables)),
                f"{service.rows:,}",
                size(service.bytes),
                f"{service.seconds:.1f}",
                "" if waited is None else _waited(waited),
                service.verdict,
            )
        self._here.out.print(grid)
        self._here.out.print(f"report: {page}", markup=False)


def _profile_grid(one: Profile) -> Grid:
    grid = Grid(f"{one.service}: where the time went", "seconds", "share")
    for spent in one.spent:
        share = spent.seconds / one.seconds if one.seconds else 0.0
        indent = "  " if spent.part else ""
        grid.add_row(f"{indent}{spent.what}", f"{spent.seconds:.2f}", "" if spent.part else f"{share:.0%}")
    grid.add_row("in all", f"{one.seconds:.2f}", "")
    return grid


def _waited(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _edges(plan: Plan | None) -> list[dict[str, str]]:
    """What crosses services and what is done about it, for the report."""
    found = plan.services.values() if plan else ()
    return [
        {"service": one.service, "edge": edge.identity, "action": edge.action or "", "reason": edge.reason}
        for one in found
        for edge in one.edges
    ]
