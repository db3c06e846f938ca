"""Loads as values: what a statement is, what a log's lines become, weights, percentiles, forecasts."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import LoadRefused
from core.performance import Measured
from migration.gates.performance import judge
from operations.audit.read import Entry, entries_of
from operations.load.limit import forecast, judged
from operations.load.play import Played
from operations.load.record import Ran, record, values_of
from operations.load.resources import Cost
from operations.load.statements import Kind, fingerprint, kind_of, parameters_of
from operations.load.stretch import read, write

pytestmark = pytest.mark.unit

BEGUN = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)


def sent(second: float, statement: str, parameters: str = "", process: int = 7, role: str = "user") -> Entry:
    return Entry(BEGUN + timedelta(seconds=second), role, "app", "127.0.0.1", process, statement, parameters)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SELECT * FROM a WHERE b = $1", Kind.READ),
        ("WITH x AS (SELECT 1) SELECT * FROM x", Kind.READ),
        ("SELECT * FROM a FOR UPDATE", Kind.WRITE),
        ("SELECT * FROM (SELECT * FROM a FOR SHARE) x", Kind.WRITE),
        ("WITH x AS (DELETE FROM a RETURNING *) SELECT * FROM x", Kind.WRITE),
        ("INSERT INTO a VALUES ($1)", Kind.WRITE),
        ("MERGE INTO a USING b ON a.i = b.i WHEN MATCHED THEN DELETE", Kind.WRITE),
        ("SELECT 1 INTO a", Kind.LEFT_OUT),
        ("SET search_path = a", Kind.LEFT_OUT),
        ("ALTER ROLE a PASSWORD 'b'", Kind.LEFT_OUT),
        ("SELECT 1; DROP TABLE a", Kind.LEFT_OUT),
        ("SAVEPOINT a", Kind.LEFT_OUT),
        ("BEGIN READ ONLY", Kind.BEGIN),
        ("start transaction", Kind.BEGIN),
        ("COMMIT", Kind.COMMIT),
        ("ROLLBACK", Kind.ROLLBACK),
        ("ROLLBACK TO SAVEPOINT a", Kind.LEFT_OUT),
        ("not SQL", Kind.LEFT_OUT),
    ],
)
def test_a_statement_is_what_its_parse_says(text: str, kind: Kind) -> None:
    assert kind_of(text) is kind


def test_statements_that_differ_in_values_alone_are_one() -> None:
    assert fingerprint("SELECT * FROM a WHERE b = 3") == fingerprint("select * from a where b = $1")
    assert fingerprint("SELECT * FROM a WHERE b = 3") != fingerprint("SELECT * FROM a WHERE c = 3")
    assert parameters_of("SELECT $2, $1 + $1") == 2


@given(st.lists(st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_values_are_read_as_the_server_writes_them(values: list[str | None]) -> None:
    shown = ("NULL" if one is None else "'" + one.replace("'", "''") + "'" for one in values)
    written = ", ".join(f"${number} = {one}" for number, one in enumerate(shown, 1))
    assert values_of(written) == tuple(values)


@pytest.mark.parametrize("text", ["$1 = 'abc...", "$2 = 'a'", "x"])
def test_values_that_were_cut_short_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="no values"):
        values_of(text)


def test_a_transaction_is_one_unit_and_sessions_do_not_mix() -> None:
    lines = [
        sent(0, "BEGIN"),
        sent(0.1, "SELECT 1 FROM a WHERE b = $1", "$1 = '3'"),
        sent(0.2, "SELECT 2", process=8),
        sent(0.3, "UPDATE a SET b = $1", "$1 = NULL"),
        sent(0.4, "ROLLBACK"),
        sent(2.0, "SELECT 3", role="somebody"),
        sent(4.0, "SELECT 4"),
        replace(sent(9.0, "SELECT 5"), application="waqiti-load"),
    ]
    stretch = record("user", lines, {"user"}, None)
    alone, together, last = stretch.units
    assert ([call.text for call in alone.calls], alone.transaction) == (["SELECT 2"], False)
    assert [call.values for call in together.calls] == [("3",), (None,)]
    assert (together.writes, together.transaction, together.ends_well) == (True, True, False)
    assert last.calls[0].text == "SELECT 4"
    assert (stretch.seconds, len(stretch.reading)) == (4.0, 2)


def test_what_cannot_be_repeated_is_counted_by_its_reason() -> None:
    lines = [
        sent(0, "SELECT 1"),
        sent(0, "SET a.b = 'c'"),
        sent(0, "SELECT $1", ""),
        sent(0, "SELECT $1", "$1 = 'abc..."),
    ]
    left = record("user", lines, {"user"}, None).left_out
    assert sorted(left.values()) == [1, 1, 1]


def test_units_weigh_as_often_as_their_statements_were_called() -> None:
    lines = [
        sent(0, "SELECT a FROM t WHERE i = 1"),
        sent(1, "SELECT a FROM t WHERE i = 2"),
        sent(2, "SELECT b FROM t"),
    ]
    ran = [
        Ran("SELECT a FROM t WHERE i = $1", 100, 1.0),
        Ran("SELECT b FROM t", 10, 1.0),
        Ran("SELECT count(*) FROM t", 30, 1.0),
        Ran("SELECT c FROM t WHERE i = $1", 60, 1.0),
    ]
    stretch = record("user", lines, {"user"}, ran)
    assert [(unit.calls[0].text, unit.weight) for unit in stretch.units] == [
        ("SELECT a FROM t WHERE i = 1", 50.0),
        ("SELECT a FROM t WHERE i = 2", 50.0),
        ("SELECT b FROM t", 10.0),
        ("SELECT count(*) FROM t", 30.0),
    ]
    assert stretch.covered == pytest.approx(0.7)
    assert stretch.missing == ["SELECT c FROM t WHERE i = $1"]


def test_a_log_without_the_services_statements_is_told_what_to_do() -> None:
    with pytest.raises(LoadRefused, match="log_statement: all"):
        record("user", [sent(0, "SELECT 1", role="other")], {"user"}, None)


def test_a_stretch_reads_back_as_it_was_and_is_its_owners_alone(tmp_path: Path) -> None:
    stretch = record("user", [sent(0, "SELECT $1", "$1 = 'ä'"), sent(1, "COMMIT")], {"user"}, [])
    file = tmp_path / "user.jsonl"
    write(stretch, file)
    assert read(file) == stretch
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "{}", '{"format": 9}', "nothing"])
def test_a_file_that_is_no_stretch_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "user.jsonl"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(LoadRefused, match="record it anew"):
        read(file)


def test_a_csvlog_is_read_with_its_values(tmp_path: Path) -> None:
    row = [""] * 26
    row[0], row[1], row[3], row[4] = "2026-11-30 06:00:01.250 UTC", "user", "9", "127.0.0.1:4000"
    row[11], row[13] = "LOG", '"duration: 0.5 ms  execute <unnamed>: SELECT $1"'
    row[14], row[22] = "\"Parameters: $1 = '5'\"", "app"
    file = tmp_path / "postgresql.csv"
    file.write_text(",".join(row) + "\n", encoding="utf-8")
    (entry,) = entries_of(file, BEGUN)
    assert (entry.statement, entry.parameters, entry.host) == ("SELECT $1", "$1 = '5'", "127.0.0.1")


def played(latencies: list[float], **changes: object) -> Played:
    well = {
        "seconds": 10.0, "clients": 2, "rate": 10.0, "latencies": array("d", sorted(latencies)),
        "served": sum(latencies), "offered": len(latencies),
    }  # fmt: skip
    return Played(**{**well, **changes})  # type: ignore[arg-type]


@given(st.lists(st.floats(0, 10), min_size=1, max_size=300), st.floats(0.1, 100))
def test_a_percentile_is_the_smallest_that_covers_its_part(latencies: list[float], part: float) -> None:
    found = played(latencies).percentile(part)
    assert found is not None
    within = sum(one <= found for one in latencies)
    below = sum(one < found for one in latencies)
    assert within >= len(latencies) * part / 100 - 1e-9
    assert below < len(latencies) * part / 100 + 1e-9


def test_nothing_that_was_answered_has_no_percentile() -> None:
    assert played([]).percentile(50) is None


def test_a_rate_is_beyond_the_limit_by_what_is_late_lost_or_failed() -> None:
    first = played([0.01] * 100)
    assert judged(first, 10, None) is None
    assert judged(played([0.01] * 90, offered=100), 10, first) == "9 a second were answered"
    assert "p95 is 150 ms" in (judged(played([0.15] * 100), 10, first) or "")
    assert judged(played([0.09] * 100), 10, first) is None
    assert judged(played([0.01] * 97, errors=Counter({"57014": 3})), 10, first) == "3.0% failed"


def test_a_forecast_is_what_the_processors_or_the_clients_allow() -> None:
    cost = Cost(seconds=10.0, cores=2, machine=4.0, load=1.0, server=1.0, counted={})
    # Idling takes 10%: 2 s of 20; so 100 units took 2 s, and 18 of 20 s are left for 900 in 10 s.
    assert forecast(played([0.001] * 100), cost, 0.1, 2) == pytest.approx(90.0)
    assert forecast(played([0.1] * 100), cost, 0.1, 2) == pytest.approx(20.0)
    assert forecast(played([]), cost, 0.1, 2) is None


NOW = 1.8e9


def test_the_gate_asks_for_less_than_five_percent() -> None:
    def of(loss: float, age: float = 60.0) -> tuple[str, bool]:
        gate = judge("user", Measured(NOW - age, loss, 0.01, 1000.0, 990.0, 2), NOW)
        return gate.verdict, gate.overridable

    assert of(0.049)[0] == of(-0.2)[0] == "go"
    assert of(0.051) == ("no-go", True)
    assert of(0.01, 40 * 86_400)[0] == "warn"
    unknown = judge("user", None, NOW)
    assert (unknown.verdict, unknown.advice) == ("unknown", "python -m operations load compare user")
