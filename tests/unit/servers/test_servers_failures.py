"""From a server's log to one line that says what was seen, where, and what to do."""

from __future__ import annotations

import pytest

from servers.errors import ServerError
from servers.failures import explain

pytestmark = pytest.mark.unit

LOGS = {
    "2026-01-01 UTC [7] FATAL:  could not write lock file \"postmaster.pid\": No space left on device":
        "the disk is full",
    "initdb: error: could not extend file \"base/1/2691\": wrote only 4096 of 8192 bytes at block 16":
        "the disk is full",
    "FATAL:  could not open file \"global/pg_control\": Permission denied": "Permission denied",
    "FATAL:  could not map anonymous shared memory: Cannot allocate memory": "memory is short",
    "LOG:  unrecognized configuration parameter \"nonsense\" in file \"/d/waqiti.conf\" line 3\n"
    "FATAL:  configuration file \"/d/postgresql.conf\" contains errors":
        "unrecognized configuration parameter",
    "FATAL:  data directory \"/d\" has group or world access": "has group or world access",
    "FATAL:  something that nobody thought of": "something that nobody thought of",
    "": "said nothing",
}  # fmt: skip


@pytest.mark.parametrize("log", LOGS, ids=list(LOGS.values()))
def test_the_line_says_what_happened_and_where(log: str) -> None:
    said = str(explain(log, "/data"))
    assert LOGS[log] in said
    assert said.startswith("/data: ")
    assert "\n" not in said


def test_every_error_says_what_to_do() -> None:
    error = ServerError("is not empty", where="/data", to_do="move it away")
    assert str(error) == "/data: is not empty; move it away."
