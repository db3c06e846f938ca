"""Who changed what, from an instance's log: plain, JSON, and pgaudit's lines."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from operations.audit.command import since_when
from operations.audit.read import Entry, entries

pytestmark = pytest.mark.unit

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
SERVICE = "waqiti_payment_service@waqiti_payments payment 127.0.0.1"
DDL = "waqiti_payment_ddl@waqiti_payments my flyway [local]"
DAY = "2026-11-29 10:00"
PLAIN = f"""\
{DAY}:00.123 UTC [77] LOG:  checkpoint starting: time
{DAY}:01.000 UTC [80] {SERVICE} LOG:  execute s1: UPDATE payments
\tSET state = $1
\tWHERE id = $2
{DAY}:01.000 UTC [80] {SERVICE} DETAIL:  Parameters: $1 = 'done', $2 = '7'
{DAY}:02.500 UTC [81] {DDL} LOG:  statement: ALTER TABLE payments ADD note text
{DAY}:03.000 UTC [80] {SERVICE} LOG:  statement: SELECT 'DELETE'
{DAY}:03.100 UTC [80] {SERVICE} LOG:  duration: 0.1 ms
"""


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_plain_log_says_who_sent_what_with_its_values(tmp_path: Path) -> None:
    found = list(entries(written(tmp_path, "postgresql-Sun.log", PLAIN), LONG_AGO))
    assert [(one.role, one.application, one.host, one.changes) for one in found] == [
        ("waqiti_payment_service", "payment", "127.0.0.1", True),
        ("waqiti_payment_ddl", "my flyway", "[local]", True),
        ("waqiti_payment_service", "payment", "127.0.0.1", False),
    ]
    assert found[0].statement == "UPDATE payments\nSET state = $1\nWHERE id = $2"
    assert found[0].parameters == "$1 = 'done', $2 = '7'"
    assert found[0].at == datetime(2026, 11, 29, 10, 0, 1, tzinfo=UTC)


def test_what_was_before_is_left_out(tmp_path: Path) -> None:
    since = datetime(2026, 11, 29, 10, 0, 2, tzinfo=UTC)
    file = written(tmp_path, "postgresql-Sun.log", PLAIN) / "postgresql-Sun.log"
    os.utime(file, (since.timestamp() + 60, since.timestamp() + 60))
    found = [one.statement for one in entries(tmp_path, since)]
    assert found == ["ALTER TABLE payments ADD note text", "SELECT 'DELETE'"]


def test_a_file_that_ended_before_is_not_read(tmp_path: Path) -> None:
    file = written(tmp_path, "postgresql-Sat.log", PLAIN) / "postgresql-Sat.log"
    os.utime(file, (0, 0))
    assert list(entries(tmp_path, LONG_AGO)) == []


def test_a_json_log_and_pgaudits_lines_are_read(tmp_path: Path) -> None:
    common = {
        "timestamp": "2026-11-29 10:00:01.000 UTC",
        "user": "waqiti_wallet_service",
        "pid": 9,
        "remote_host": "172.30.0.2",
        "application_name": "wallet",
        "error_severity": "LOG",
    }
    lines = [
        {
            **common,
            "message": 'AUDIT: SESSION,1,1,WRITE,INSERT,TABLE,public.w,"INSERT INTO w VALUES ($1, ""a"")",7',
        },
        {**common, "message": "AUDIT: SESSION,2,1,READ,SELECT,,,SELECT 1,<none>"},
        {**common, "message": "statement: DELETE FROM w", "detail": ""},
        {**common, "message": "connection authorized: user=x"},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines) + '{"timestamp": "2026'
    found = list(entries(written(tmp_path, "postgresql-Sun.json", text), LONG_AGO))
    assert [(one.statement, one.parameters, one.changes) for one in found] == [
        ('INSERT INTO w VALUES ($1, "a")', "7", True),
        ("SELECT 1", "", False),
        ("DELETE FROM w", "", True),
    ]


@pytest.mark.parametrize(
    ("statement", "changes"),
    [
        ("insert into a values (1)", True),
        ("/* from Hibernate */ update a set b = 1", True),
        ("WITH x AS (DELETE FROM a RETURNING *) SELECT * FROM x", True),
        ("WITH x AS (SELECT 1) SELECT * FROM x", False),
        ("COPY a FROM STDIN", True),
        ("COPY a TO STDOUT", False),
        ("GRANT SELECT ON a TO b", True),
        ("BEGIN", False),
        ("SET search_path = a", False),
        ("SELECT * FROM updates", False),
    ],
)
def test_a_change_is_known_by_its_first_word(statement: str, changes: bool) -> None:
    assert Entry(LONG_AGO, "r", "a", "h", 1, statement).changes is changes


def test_since_is_a_time_or_so_long_ago() -> None:
    now = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
    assert since_when("12h", now) == now - timedelta(hours=12)
    assert since_when("2026-11-29T10:00", now) == datetime(2026, 11, 29, 10, 0, tzinfo=UTC)
    assert since_when("2026-11-29T10:00+02:00", now) == datetime(2026, 11, 29, 8, 0, tzinfo=UTC)
    with pytest.raises(ValueError, match="yesterday"):
        since_when("yesterday", now)
