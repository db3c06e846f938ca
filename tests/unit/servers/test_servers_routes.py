"""The routes file holds whatever a password may be, and is never half written."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.errors import ServerError
from servers.pgbouncer import DdlRoute, Route, read_routes, write_routes

pytestmark = pytest.mark.unit

one_line = st.text(
    st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs", "Zl", "Zp", "Cc"]), min_size=1
)
routes = st.builds(
    Route,
    database=st.from_regex(r"[A-Za-z0-9_.-]+", fullmatch=True),
    leads_to=st.sampled_from(["source", "target"]),
    host=one_line,
    port=st.integers(1, 65535),
    dbname=one_line,
    user=st.none() | one_line,
    password=st.none() | one_line,
    schemas=st.lists(one_line, max_size=3).map(tuple),
    for_good=st.booleans(),
    ddl=st.none() | st.builds(DdlRoute, st.from_regex(r"[A-Za-z0-9_.-]+_ddl", fullmatch=True), one_line),
)


@given(routes)
def test_what_was_written_is_read_back(route: Route) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "routes.ini"
        write_routes(path, route)
        assert read_routes(path) == route


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    write_routes(tmp_path / "routes.ini", Route("d", "target", "127.0.0.1", 1, "d"))
    assert stat.S_IMODE((tmp_path / "routes.ini").stat().st_mode) == 0o600


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "routes.ini"
    write_routes(path, Route("d", "source", "127.0.0.1", 1, "d"))
    before = path.read_text()
    with pytest.raises(ServerError, match="line break"):
        write_routes(path, Route("d", "source", "127.0.0.1", 1, "d", password="two\nlines"))
    assert (path.read_text(), os.listdir(tmp_path)) == (before, ["routes.ini"])


def test_a_file_that_a_person_rewrote_is_refused_and_not_guessed_at(tmp_path: Path) -> None:
    path = tmp_path / "routes.ini"
    path.write_text("[databases]\n* = host=somewhere\n")
    with pytest.raises(ServerError, match="not a routes file"):
        read_routes(path)


def test_a_route_does_not_print_its_password() -> None:
    assert "hidden" not in repr(Route("d", "source", "127.0.0.1", 1, "d", password="hidden"))
