"""An instance's log on Kubernetes reads as any server's."""

from __future__ import annotations

import json

import pytest

from migration.replicate.pod_log import as_text
from migration.replicate.stalls import last_error

pytestmark = pytest.mark.unit


def line(logger: str, **record: str) -> str:
    return json.dumps({"level": "info", "logger": logger, "msg": "record", "record": record})


LINES = "\n".join(
    [
        "not JSON",
        json.dumps({"level": "info", "msg": "Starting workers"}),
        line(
            "postgres",
            log_time="2026-11-30 07:00:01.123 UTC",
            process_id="42",
            error_severity="ERROR",
            message='duplicate key value violates unique constraint "users_pkey"',
            detail="Key (id)=(1) already exists.",
            context='processing remote data for replication origin "pg_16501" during message type "INSERT"'
            ' for replication target relation "user_schema.users" in transaction 9',
        ),
        line("pg_controldata", message="of something else"),
    ]
)


def test_an_apply_workers_error_is_found_in_a_pods_log() -> None:
    assert last_error(as_text(LINES), 16501) == (
        'at 2026-11-30 07:00:01: duplicate key value violates unique constraint "users_pkey",'
        " on user_schema.users"
    )
    assert last_error(as_text(LINES), 1) is None


def test_a_record_tells_no_rows_and_others_lines_are_left_out() -> None:
    text = as_text(LINES)
    assert "already exists" not in text
    assert len(text.splitlines()) == 2
