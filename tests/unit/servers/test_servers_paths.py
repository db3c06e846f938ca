"""Folders, sockets, users and ports: short, private, the same every time."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers import osuser, paths, ports
from servers.errors import ServerError

pytestmark = pytest.mark.unit


@given(st.lists(st.text("abc-", min_size=1, max_size=40), max_size=8))
def test_a_unix_socket_is_never_longer_than_the_system_allows(parts: list[str]) -> None:
    sockets = paths.socket_dir(Path("/", *parts, "service"))
    assert len(os.fsencode(sockets / ".s.PGSQL.65535.lock")) <= 103


def test_the_same_folder_has_the_same_sockets_every_time() -> None:
    folder = Path("/" + "long" * 40)
    assert paths.socket_dir(folder) == paths.socket_dir(folder) != paths.socket_dir(folder / "other")


def test_variables_say_where_state_and_cache_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAQITI_STATE_DIR", "/somewhere/state")
    monkeypatch.setenv("WAQITI_CACHE_DIR", "/somewhere/cache")
    assert (str(paths.state_dir()), str(paths.cache_dir())) == ("/somewhere/state", "/somewhere/cache")


def test_an_ordinary_user_keeps_both_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WAQITI_STATE_DIR", "WAQITI_CACHE_DIR", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert str(paths.state_dir()) == "/home/somebody/.local/state/waqiti"
    assert str(paths.cache_dir()) == "/home/somebody/.cache/waqiti"


def test_root_may_not_be_named_as_the_servers_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAQITI_OS_USER", "root")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(ServerError, match="refuse to run as root"):
        osuser.service_user()


def test_a_private_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    osuser.write_private(tmp_path / "secret", "word")
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["secret"]


def test_a_program_of_a_server_sees_none_of_our_postgres_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "leaks")
    monkeypatch.setenv("LC_MESSAGES", "de_DE")
    environment = osuser.clean_environment({"PGHOST": "wanted"})
    assert "PGPASSWORD" not in environment
    assert (environment["LC_ALL"], environment["PGHOST"]) == ("C", "wanted")


def test_a_taken_port_is_known_with_its_holder() -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        assert ports.is_taken(port)
        assert ports.holder(port).endswith(f"(pid {os.getpid()})")
    assert not ports.is_taken(port)
