"""All that a report is made of: the journal of the shared database, the stack's evidence, the samples."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from components.contract import Contract, Service
from core.errors import EvidenceBroken
from core.evidence.chain import Entry, Evidence, Kind
from core.evidence.lookup import newest
from core.sessions.stack import source_database
from migration.journal.journal import (
    count_moves,
    read_copied,
    read_last_verification,
    read_moves,
    read_steps,
)
from migration.report.chronicle import chronicle
from migration.report.load import load_of, statements_of
from migration.report.model import Report, ServiceReport, service_report
from migration.sampling.kept import Sample, append, read, samples_file
from migration.sampling.look import Looks
from servers.errors import ServerError


def everything(contract: Contract, services: Sequence[Service]) -> Report:
    """What became of `services` so far. Needs no lock; raises what connecting to the shared one raises."""
    source = source_database(contract)
    with source.connect() as connection, source.translated("reading the journal"):
        moves = {move.service: move for move in read_moves(connection)}
        begun = count_moves(connection) if moves else {}
        found = []
        for service in services:
            move = moves.get(service.name)
            if move is None:
                found.append(ServiceReport(service.name, "not begun", (), (), None))
                continue
            one = service_report(
                move,
                read_steps(connection, move),
                read_copied(connection, move),
                read_last_verification(connection, move),
            )
            found.append(replace(one, earlier=begun[service.name] - 1))
    _look_once(contract)
    return completed(replace(Report.make(contract, found, ()), whole=True), contract)


def completed(report: Report, contract: Contract) -> Report:
    """The report with what evidence and samples say. Evidence that was altered is said, and left out."""
    evidence, broken = Evidence(contract), ""
    entries: list[Entry] = []
    try:
        entries = evidence.read()
    except EvidenceBroken as error:
        broken = str(error)
    began = [one.began for one in report.services if one.began is not None]
    since = min(began).timestamp() - 3600 if began else report.made.timestamp()
    samples = read(samples_file(contract), since)
    tried = newest(entries, Kind.ISOLATION)
    return replace(
        report,
        services=tuple(_with_evidence(contract, one, entries, samples) for one in report.services),
        stack_kept=chronicle(entries, None),
        isolated=None if tried is None else not tried.facts.get("breaches"),
        entries=len(entries),
        head=entries[-1].digest if entries else "",
        broken=broken,
        shared=statements_of(samples, None),
    )


def _with_evidence(
    contract: Contract, one: ServiceReport, entries: Sequence[Entry], samples: Sequence[Sample]
) -> ServiceReport:
    began = None if one.began is None else one.began.timestamp()
    home = None
    if one.at_home is not None:
        home = next(p.began.timestamp() + p.ms / 1000 for p in one.pauses if p.began == one.at_home)
    return replace(
        one,
        chronicle=chronicle(entries, one.service),
        load=load_of(samples, one.service, began, home),
        statements=statements_of(samples, one.service),
        backed_up=contract.services[one.service].backups is not None,
    )


def _look_once(contract: Contract) -> None:
    """What was counted since the last verb is known by one more look."""
    looks = Looks(contract)
    try:
        sample = looks.take(statements=True)
    finally:
        looks.close()
    with suppress(OSError, ServerError):
        append(samples_file(contract), sample)
