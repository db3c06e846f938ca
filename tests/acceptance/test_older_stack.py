"""A stack of an earlier version of the program goes on with this one; what holds data is not replaced."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import SERVICES
from tests.acceptance.logins import connect
from tests.acceptance.stack import stack_that_is_up
from tests.support.absence import absent
from tests.support.places import REPOSITORY

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]

COMMIT = "9095b31"
"""The last one whose providers were known by their modules alone."""


def checkout(folder: Path) -> Path:
    """That commit's files."""
    archive = subprocess.run(
        ["git", "-c", "safe.directory=*", "archive", COMMIT], cwd=REPOSITORY, capture_output=True, check=False
    )
    if archive.returncode:
        absent(f"commit {COMMIT} is not in this clone: fetch its whole history")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def test_an_older_stack_is_previewed_updated_refreshed_and_destroyed(
    settings_beside: dict[str, Any], variables: dict[str, str], tmp_path: Path
) -> None:
    own = {key: value for key, value in settings_beside.items() if key != "takenOver"}
    with stack_that_is_up(own, variables, checkout(tmp_path)) as stack:
        before = stack.contract()
        service = before.services[SERVICES[0]]
        with connect(service.instance, service.migration) as session:
            session.execute("CREATE SCHEMA waqiti_migration")
        stack.runs(REPOSITORY)
        wanted = stack.changes()
        assert wanted.keys() <= {"create", "update"}, wanted
        stack.up()
        assert stack.changes() == {}
        stack.run("refresh", "--yes", "--skip-preview", "--stack", "test", "--expect-no-changes")
        after = stack.contract()
        assert after.services[SERVICES[0]].instance == service.instance
        with connect(service.instance, service.migration) as session:
            kept = session.execute("SELECT to_regnamespace('waqiti_migration') IS NOT NULL").fetchone()
        assert kept == (True,), "the instance's data is not what it was"
