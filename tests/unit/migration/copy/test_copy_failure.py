"""What psql says becomes an error that a person can act on."""

from __future__ import annotations

import pytest

from core.errors import (
    AuthenticationFailed,
    ConnectionLost,
    CopyFailed,
    DiskFull,
    MigrationError,
    StepTimeout,
)
from migration.copy.failure import client_error, foremost
from tests.unit.migration.copy.test_copy_cutting import TARGET

pytestmark = pytest.mark.unit

SAID = {
    'ERROR:  53100: could not extend file "b/1": No space left on device\nHINT:  Check disk.': DiskFull,
    "FEHLER:  53100: konnte Datei nicht erweitern": DiskFull,
    'PANIC:  53100: could not write to file "pg_wal/xlogtemp.1": No space left on device': DiskFull,
    "FATAL:  57P01: terminating connection due to administrator command": ConnectionLost,
    "server closed the connection unexpectedly\n\tThis probably means": ConnectionLost,
    'psql: error: connection to server at "x", port 1 failed: Connection refused': ConnectionLost,
    "": ConnectionLost,
    'ERROR:  23514: new row violates constraint "c"\nDETAIL:  Failing row: (secret).': CopyFailed,
    "ERROR:  ZZ999: something of an extension": CopyFailed,
    "ERROR:  42501: permission denied for table t": AuthenticationFailed,
    "ERROR:  55P03: canceling statement due to lock timeout": StepTimeout,
}


@pytest.mark.parametrize(("said", "kind"), SAID.items())
def test_each_thing_that_psql_says_has_its_class(said: str, kind: type[MigrationError]) -> None:
    error = client_error(TARGET, said, "copying s.t")
    assert type(error) is kind


@pytest.mark.parametrize("said", SAID)
def test_a_message_is_one_line_with_side_and_table_and_without_rows(said: str) -> None:
    text = str(client_error(TARGET, said, "copying s.t"))
    assert "\n" not in text
    assert "target (h:1/d)" in text
    assert "copying s.t" in text
    assert "secret" not in text


def test_the_cause_is_shown_rather_than_what_follows_from_it() -> None:
    cut, refused, full = ConnectionLost("cut"), CopyFailed("refused"), DiskFull("full")
    assert foremost([cut, refused, full]) is full
    assert foremost([cut, refused]) is refused
    assert foremost([cut]) is cut
