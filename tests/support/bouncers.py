"""The two PgBouncers that tests run: one that keeps prepared statements, and an older one."""

from __future__ import annotations

from pathlib import Path

import pytest

from servers import binaries
from servers.errors import ServerError
from servers.paths import cache_dir
from servers.pgbouncer_versions import keeps_prepared
from tests.support.absence import absent

NEW, OLD = "1.22 and newer", "older"
KINDS = (NEW, OLD)
every_pgbouncer = pytest.mark.parametrize("bouncer", KINDS, indirect=True)
"""A test that takes the fixture `bouncer`, with each."""


def bouncer_of(kind: str) -> Path:
    """The program; a test that needs one that is not there is skipped, or fails in CI."""
    for program in (_usual(), cache_dir() / "pgbouncer-archive/bin/pgbouncer"):
        if program is None or not program.exists():
            continue
        if keeps_prepared(binaries.pgbouncer_version(program)) == (kind == NEW):
            return program
    absent(f"no PgBouncer of the kind `{kind}`: run script/bootstrap --for-tests")
    raise AssertionError("absent() skips or fails")


def _usual() -> Path | None:
    try:
        return binaries.pgbouncer()
    except ServerError:
        return None
