"""Whatever happens beside a live verification: equal data never alarms, and a fault is always found."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from migration.replicate.flow import Flow
from migration.verify.compare import compare
from migration.verify.snapshots import consistent_snapshots
from tests.support.clusters import Clusters
from tests.support.fault_matrix import ALL
from tests.support.interleavings import (
    BEFORE_THE_WAIT,
    COMMIT,
    LEFT_OPEN,
    POINTS,
    ROLLBACK,
    Schedule,
    Stage,
    Write,
    rows_at,
)
from tests.support.replicas import replicated
from tests.support.tables import tables_of
from tests.support.versions import DEFAULT_VERSIONS

pytestmark = [pytest.mark.integration, pytest.mark.timeout(3600)]

EXAMPLES = 200 if ALL else 16
TABLES = ("accounts", "postings", "events_in", "events_rest", "tokens", "log")

LOGGED = "INSERT INTO bank.log VALUES (now(), 'x')"
keys = st.integers(1, 6)
statements = st.one_of(
    st.builds("INSERT INTO bank.accounts VALUES ({}, 5, 'new')".format, keys),
    st.builds("UPDATE bank.accounts SET balance = balance + {} WHERE id = {}".format, keys, keys),
    st.builds("UPDATE bank.accounts SET note = repeat('x', {}00) WHERE id <= {}".format, keys, keys),
    st.builds("UPDATE bank.accounts SET id = {} WHERE id = {}".format, keys, keys),
    st.builds("DELETE FROM bank.accounts WHERE id = {}".format, keys),
    st.builds(
        "WITH gone AS (DELETE FROM bank.accounts WHERE id = {0} RETURNING note) SELECT * FROM gone;"
        " INSERT INTO bank.accounts VALUES ({0}, 7, 'again')".format,
        keys,
    ),
    st.builds("UPDATE bank.tokens SET token = 't{}' WHERE token = 't{}'".format, keys, keys),
    st.builds("UPDATE bank.tokens SET v = v + 1 WHERE token = 't{}'".format, keys),
    st.builds("INSERT INTO bank.events VALUES ({}, 'in')".format, keys),
    st.builds(
        "UPDATE bank.events SET kind = CASE kind WHEN 'in' THEN 'out' ELSE 'in' END WHERE id = {}".format,
        keys,
    ),
    st.builds("INSERT INTO bank.postings (account, amount) VALUES ({}, 1)".format, keys),
    st.just("TRUNCATE bank.postings"),
    st.builds("INSERT INTO bank.log VALUES ('2026-01-01', '{}')".format, keys),
    st.builds("UPDATE bank.log SET line = 'changed' WHERE line = '{}'".format, keys),
    st.just("SAVEPOINT s; INSERT INTO bank.log VALUES ('2026-01-01', 'undone'); ROLLBACK TO SAVEPOINT s"),
)
writes = st.builds(
    Write,
    st.sampled_from(POINTS),
    st.lists(statements, min_size=1, max_size=3).map(tuple),
    st.sampled_from([COMMIT, COMMIT, LEFT_OPEN, ROLLBACK]),
)
schedules = st.builds(
    Schedule,
    writes=st.lists(writes, min_size=1, max_size=6).map(tuple),
    paused_at=st.none() | st.sampled_from(BEFORE_THE_WAIT),
    ended_at=st.none() | st.none() | st.none() | st.sampled_from(POINTS),
    stray_at=st.none() | st.none() | st.sampled_from(POINTS),
    attempts=st.integers(1, 3),
    range_bytes=st.sampled_from([8192, 24576, 64 << 20]),
)

FAULTS = {
    None: "SELECT 1",
    "value": "UPDATE bank.accounts SET balance = 0.00 WHERE id = 150",
    "value to NULL": "UPDATE bank.accounts SET note = NULL WHERE id = 151",
    "two values changed places": "UPDATE bank.accounts SET note = 'account ' || (305 - id)"
    " WHERE id IN (152, 153)",
    "moved key": "UPDATE bank.accounts SET id = 1150 WHERE id = 150",
    "missing": "DELETE FROM bank.accounts WHERE id = 154",
    "missing by an index": "DELETE FROM bank.tokens WHERE token = 't30'",
    "extra": "INSERT INTO bank.accounts VALUES (1151, 0, 'extra')",
    "twice": "INSERT INTO bank.log VALUES ('2025-01-01', 'reserved')",
    "in another partition": "UPDATE bank.events SET kind = 'reserved' WHERE id = 150",
}
"""On rows that no schedule touches; each is undone by MEND."""

RESERVED = """
DELETE FROM bank.events WHERE id = 150;
INSERT INTO bank.events VALUES (150, 'in');
DELETE FROM bank.log WHERE line = 'reserved';
INSERT INTO bank.log VALUES ('2025-01-01', 'reserved');
"""
MEND = """
DELETE FROM bank.accounts WHERE id BETWEEN 150 AND 154 OR id > 1000;
INSERT INTO bank.accounts SELECT g, 0, 'account ' || g FROM generate_series(150, 154) g;
DELETE FROM bank.tokens WHERE token = 't30';
INSERT INTO bank.tokens VALUES ('t30', 30);
"""


@pytest.fixture(scope="module")
def flow(clusters: Clusters) -> Iterator[Flow]:
    made = [clusters.get("source", DEFAULT_VERSIONS[0]), clusters.get("target", DEFAULT_VERSIONS[1])]
    source, target = databases = [cluster.new_database() for cluster in made]
    with replicated(source, target) as (flow, _):
        with source.connect() as connection:
            # So that there is more than one block, and more than one range.
            connection.execute(
                "INSERT INTO bank.postings (account, amount) SELECT g, 0 FROM generate_series(1, 999) g"
            )
            connection.execute(
                "INSERT INTO bank.accounts SELECT g, 0, repeat('x', 600) FROM generate_series(201, 300) g"
            )
            connection.execute(RESERVED)
        yield flow
    for cluster, database in zip(made, databases, strict=True):
        cluster.drop_database(database)


def nothing(**changed: object) -> Schedule:
    """A schedule with hardly anything in it."""
    values = {"writes": (), "paused_at": None, "ended_at": None, "stray_at": None, "attempts": 1}
    return Schedule(**{**values, "range_bytes": 8192, **changed})  # type: ignore[arg-type]


def at_every_point(statement: str, end: str = COMMIT) -> Schedule:
    """The same write at each of them."""
    return nothing(writes=tuple(Write(point, (statement,), end) for point in POINTS), attempts=2)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not ALL,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(schedule=schedules, fault=st.sampled_from(list(FAULTS)))
@example(at_every_point(LOGGED), None)
@example(at_every_point("UPDATE bank.accounts SET balance = balance + 1 WHERE id < 4"), "value")
@example(at_every_point("UPDATE bank.accounts SET id = 7 - id WHERE id IN (1, 6)", LEFT_OPEN), None)
@example(nothing(stray_at="proven", paused_at="holding"), None)
@example(nothing(stray_at="holding", writes=(Write("attempt", (LOGGED,), COMMIT),)), None)
@example(nothing(stray_at="locked", writes=(Write("holding", ("TRUNCATE bank.postings",), COMMIT),)), None)
@example(nothing(ended_at="released", paused_at="attempt"), "missing")
def test_a_verification_is_right_whatever_happens_beside_it(
    flow: Flow, monkeypatch: pytest.MonkeyPatch, schedule: Schedule, fault: str | None
) -> None:
    tables = [table for table in tables_of(flow.publisher, "bank") if table.holds_rows]
    stage = Stage(flow, schedule)
    with flow.subscriber.connect() as connection:
        flow.prove(seconds=30)
        connection.execute(FAULTS[fault].encode())
        try:
            with (
                stage.around(monkeypatch) as progress,
                consistent_snapshots(flow, [table.name for table in tables]) as taken,
            ):
                found = compare(
                    flow.publisher,
                    flow.subscriber,
                    tables,
                    source_snapshot=taken.publisher,
                    target_snapshot=taken.subscriber,
                    workers=2,
                    progress=progress,
                    stop=threading.Event(),
                )
                there, here = rows_at(flow, [f"bank.{name}" for name in TABLES], taken)
        finally:
            flow.prove(seconds=30)
            connection.execute(MEND)
            connection.execute(RESERVED)
    event(f"fault: {fault}")
    event(f"attempts: {min(taken.attempts, 4)}")
    assert found.rows == len(there)
    if fault is None:
        assert there == here, "the two snapshots are not of the same instant"
        assert found.equal, found.as_json()
    else:
        assert there != here
        assert not found.equal, f"{fault} was not found"
        named = {str(d.key) for d in found.differences}
        assert len(found.differences) <= 2, f"more than the fault is named: {named}"
