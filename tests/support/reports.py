"""A report of eight services, made up: what the page has to hold when everything is long, wide or missing."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from core.evidence.chain import BEGINNING, Entry, Kind
from migration.journal.journal import StepRecord
from migration.journal.pauses import pauses_of
from migration.report.chronicle import chronicle
from migration.report.load import load_of, statements_of
from migration.report.model import PhaseReport, Report, ServiceReport
from migration.sampling.kept import Counters, Sample, Statements
from migration.switch.protocol import SWITCH, Step

BEGAN = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)
NAMES = ("user", "payment", "wallet", "ledger", "compliance", "analytics", "security", "notification")
LONG = "foreign key payment_schema.payments_of_every_kind.payments_payer_id_fkey -> user_schema.users"


def step(number: int, name: str, at: float, seconds: float, **more: Any) -> StepRecord:
    """A step of the journal, `at` seconds after the beginning."""
    began = BEGAN + timedelta(seconds=at)
    values: dict[str, Any] = {
        "outcome": "done",
        "lsn": f"0/{number:X}0000A8",
        "figures": {},
        "operator": "ops@host",
        "error": None,
    }
    return StepRecord(number, name, began, began + timedelta(seconds=seconds), **(values | more))


def switch(at: float, verb: str = "cutover", slow: float = 1.0) -> list[StepRecord]:
    """All steps of a switch."""
    found, ms = [], 0.0
    for number, one in enumerate(Step):
        took = slow * (4.0 + 3 * (number % 5) ** 2)
        found.append(
            step(100 + number, f"{verb}: {one.value}", at + ms / 1000, took / 1000, figures={"ms": took})
        )
        ms += took
    assert len(found) == len(SWITCH)
    return found


def entry(kind: Kind, service: str | None, **facts: Any) -> Entry:
    """An entry of the evidence."""
    return Entry(
        number=1,
        at=BEGAN + timedelta(minutes=3),
        kind=kind,
        service=service,
        who="ops@host",
        commit="c0ffee" * 6,
        catalogue="d" * 64,
        facts=facts,
        before=BEGINNING,
    ).sealed()


def samples() -> list[Sample]:
    """A sample a second over five minutes: a dip where each service is switched."""
    found, transactions, took = [], [0.0] * len(NAMES), [0.0] * len(NAMES)
    for second in range(300):
        at = BEGAN.timestamp() - 20 + second
        for number in range(len(NAMES)):
            rate = 40 + 5 * math.sin(second / 7 + number)
            transactions[number] += rate * (0.7 if second == 50 + 25 * number else 1)
            took[number] += rate * 1000 * (3 + 0.4 * math.cos(second / 11 + number))
        gateways = {
            name: Counters(int(transactions[n]), int(transactions[n] * 3), int(took[n]), 0)
            for n, name in enumerate(NAMES)
        }
        spoken = Statements(int(sum(transactions)), sum(took) / 1000) if second % 10 == 0 else None
        own = {"user": Statements(int(transactions[0]), took[0] / 1000)} if spoken and second > 60 else {}
        found.append(Sample(at, gateways, {}, own, spoken))
    return found


def service(number: int, name: str, taken: list[Sample], state: str = "moved") -> ServiceReport:
    """One service that has moved (the second one there and back and there again)."""
    at = 5.0 + 25 * number
    steps = [
        step(1, "guard the source", at, 0.4),
        step(2, "create the schema", at + 0.5, 1.2),
        step(3, "copy from the slot's snapshot", at + 2, 6 + number, figures={"lsn": "0/5A00128"}),
        step(4, "build indexes and constraints", at + 12, 3.5),
        step(5, "subscribe", at + 16, 0.8),
        step(
            6,
            "make a restore point of all services",
            at + 22,
            0.7,
            figures={"point": f"before-cutover-{name}-20261130t070300", "pause_ms": 61.2},
        ),
        *switch(at + 24),
    ]
    if number == 1:
        steps += [*switch(at + 3600, "rollback", 2.0), *switch(at + 7200, slow=0.8)]
    tables = [
        {
            "table": f"{name}_schema.table_{n}_of_{name}",
            "rows": 1000 * n,
            "bytes": 1 << (12 + n),
            "seconds": 0.2 * n,
        }
        for n in range(1, 9)
    ]
    verified = {
        "equal": True,
        "rows": 36_000,
        "digest": "hashtextextended",
        "seconds": 1.5,
        "problems": [],
        "tables": [
            {
                "table": one["table"],
                "equal": True,
                "rows_source": one["rows"],
                "rows_target": one["rows"],
                "digest_source": "0a" * 32,
                "digest_target": "0a" * 32,
                "structure": [],
                "differences": [],
            }
            for one in tables
        ],
    }
    edges = [
        {
            "edge": LONG,
            "kind": "foreign key",
            "towards": "user",
            "action": "drop",
            "reason": "asked for by a call",
        },
        {
            "edge": f"view {name}_schema.all_users -> user_schema.users",
            "kind": "view",
            "towards": "user",
            "action": "reference",
            "reason": "",
        },
    ]
    gates = [
        {
            "name": f"gate-{n}",
            "verdict": "warn" if n == 7 else "go",
            "figure": "12 MiB behind",
            "limit": "16 MiB",
        }
        for n in range(24)
    ]
    kept = [
        entry(Kind.DECIDED, name, edges=edges),
        entry(Kind.GATES, name, stage="cutover", verdict="warn", gates=gates),
        entry(Kind.SIGNED, name, stage="cutover", by="A. Board", note="seen the rehearsal"),
        entry(
            Kind.VERIFIED,
            name,
            equal=True,
            rows=36_000,
            digest="1b" * 32,
            made="2026-11-30 07:02:11+00",
            tables={},
        ),
    ]
    if number != 3:
        kept.append(entry(Kind.RESTORED, name, sound=True, rows=36_000, reached="0/7000028"))
    if state == "finished":
        kept.append(
            entry(
                Kind.ARCHIVED,
                name,
                schema=f"{name}_schema_archived_20261130",
                rows=36_100,
                digest="2c" * 32,
                taken="2026-11-30 09:00:00+00",
                tables={},
            )
        )
    phases = tuple(
        PhaseReport(
            one.step,
            one.started,
            ((one.finished or one.started) - one.started).total_seconds(),
            str(one.outcome),
            one.figures,
            one.error,
            one.lsn,
        )
        for one in steps
    )
    home = BEGAN.timestamp() + at + 24.4
    return ServiceReport(
        name,
        state,
        phases,
        tuple(tables),
        verified,
        tuple(pauses_of(steps)),
        "online",
        BEGAN,
        1 if number == 2 else 0,
        chronicle(kept, name),
        load_of(taken, name, BEGAN.timestamp() + at, home),
        statements_of(taken, name),
        True,
    )


def whole_report(**changes: Any) -> Report:
    """Of all eight, the last one not begun."""
    taken = samples()
    services = [
        service(n, name, taken, "finished" if n == 0 else "moved") for n, name in enumerate(NAMES[:-1])
    ]
    values: dict[str, Any] = {
        "stack": "waqiti/staging",
        "source": "shared.bank.example:5432/waqiti",
        "program": "0.1.0",
        "made": BEGAN,
        "services": (*services, ServiceReport(NAMES[-1], "not begun", (), (), None)),
        "edges": (),
        "error": None,
        "whole": True,
        "commit": "c0ffee" * 6,
        "catalogue": "d" * 64,
        "isolated": True,
        "entries": 61,
        "head": "3d" * 32,
        "shared": statements_of(taken, None),
        "stack_kept": chronicle(
            [entry(Kind.SIGNED, None, stage="promotion", by="A. Board", note="seen")], None
        ),
    }
    return Report(**(values | changes))
