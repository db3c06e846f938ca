"""An instance of the local platform, through real `pulumi up`: made, tuned, killed, refreshed, kept."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator

import psycopg
import pytest

from core.sessions.session import Connection
from servers import ports
from tests.support.local_stacks import LocalStack, local_stack

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with local_stack() as made:
        made.wanted |= {
            "instance_port": ports.free_port(),
            "parameters": {"shared_buffers": "32MB", "log_temp_files": "10MB"},
        }
        assert made.up().code == 0
        yield made


def on_socket(stack: LocalStack) -> Connection:
    """The operating system's administrator, who needs no password."""
    return psycopg.connect(
        host=str(stack.service_folder / "sockets"),
        port=stack.wanted["instance_port"],
        user="postgres",
        dbname="postgres",
        autocommit=True,
    )


def over_tcp(stack: LocalStack, user: str, **options: str) -> Connection:
    given = {"dbname": "postgres", "password": stack.output("administrator"), "sslmode": "verify-full"}
    return psycopg.connect(
        host="postgres-user",
        hostaddr="127.0.0.1",
        port=stack.wanted["instance_port"],
        user=user,
        sslrootcert=str(stack.service_folder.parent / "ca" / "ca.crt"),
        **{**given, **options},
    )


def pid(stack: LocalStack) -> int:
    return int((stack.service_folder / "data" / "postmaster.pid").read_text().splitlines()[0])


def shown(stack: LocalStack, parameter: str) -> str:
    with on_socket(stack) as connection:
        row = connection.execute("SELECT current_setting(%s)", [parameter]).fetchone()
    assert row is not None
    return str(row[0])


def test_a_second_preview_is_empty(stack: LocalStack) -> None:
    preview = stack.preview()
    assert set(preview.changes) == {"same"}, preview.output


def test_a_new_instance_is_as_the_requirements_say(stack: LocalStack) -> None:
    settings = ("server_encoding", "data_checksums", "password_encryption", "ssl")
    assert [shown(stack, name) for name in settings] == ["UTF8", "on", "scram-sha-256", "on"]
    with on_socket(stack) as connection:
        row = connection.execute("SELECT datcollate, datctype FROM pg_database LIMIT 1").fetchone()
    assert row == ("C", "C")


def test_the_administrator_logs_in_over_verified_tls(stack: LocalStack) -> None:
    with over_tcp(stack, "postgres") as connection:
        row = connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
    assert row == (True,)


def test_nobody_logs_in_without_tls(stack: LocalStack) -> None:
    with pytest.raises(psycopg.OperationalError, match="rejects connection"):
        over_tcp(stack, "postgres", sslmode="disable")


def test_a_role_of_another_service_is_refused_without_asking_a_password(stack: LocalStack) -> None:
    with pytest.raises(psycopg.OperationalError, match="rejects connection"):
        over_tcp(stack, "payment_service", dbname="waqiti_users")


def test_no_password_is_readable_in_the_state(stack: LocalStack) -> None:
    assert stack.output("administrator") not in stack.state()


def test_a_provider_is_in_the_state_by_reference(stack: LocalStack) -> None:
    """Two hundred characters hold a class's name and not its code, so new code is no change of state."""
    state = json.loads(stack.state())
    providers = [
        r["inputs"]["__provider"]
        for r in state["deployment"]["resources"]
        if "__provider" in r.get("inputs", {})
    ]
    assert len(providers) == 6
    assert max(map(len, providers)) < 200


def test_a_parameter_of_context_user_is_reloaded(stack: LocalStack) -> None:
    before = pid(stack)
    stack.wanted["parameters"]["work_mem"] = "6MB"
    assert stack.up().changes["update"] == 1
    assert (shown(stack, "work_mem"), pid(stack)) == ("6MB", before)


def test_a_parameter_of_context_postmaster_restarts(stack: LocalStack) -> None:
    before = pid(stack)
    stack.wanted["parameters"]["max_connections"] = "55"
    assert stack.up().changes["update"] == 1
    assert shown(stack, "max_connections") == "55"
    assert pid(stack) != before


def test_a_killed_server_is_started_by_the_next_up(stack: LocalStack) -> None:
    os.kill(pid(stack), signal.SIGKILL)
    assert stack.up().changes["update"] == 1
    assert shown(stack, "ssl") == "on"


def test_a_pid_file_of_a_living_stranger_is_no_obstacle(stack: LocalStack) -> None:
    """After a reboot the old id is often a sibling server's."""
    os.kill(pid(stack), signal.SIGTERM)
    data = stack.service_folder / "data"
    while (data / "postmaster.pid").exists():
        pass
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n1\n")
    assert stack.up().code == 0
    assert shown(stack, "ssl") == "on"


def test_refresh_shows_an_altered_parameter_and_up_takes_it_back(stack: LocalStack) -> None:
    with on_socket(stack) as connection:
        connection.execute("ALTER SYSTEM SET shared_buffers = '48MB'")
        connection.execute("ALTER SYSTEM SET log_temp_files = '1MB'")
        connection.execute("SELECT pg_reload_conf()")
    shown_by_refresh = stack.refresh().output
    assert '"32MB" => "32MB, another after a restart"' in shown_by_refresh
    assert '"10MB" => "1MB"' in shown_by_refresh
    assert stack.up().changes["update"] == 1
    assert (shown(stack, "shared_buffers"), shown(stack, "log_temp_files")) == ("32MB", "10MB")
    assert set(stack.preview().changes) == {"same"}


def test_hba_that_somebody_opened_is_closed_by_the_next_up(stack: LocalStack) -> None:
    hba = stack.service_folder / "data" / "pg_hba.conf"
    hba.write_text("host all all all trust\n" + hba.read_text())
    assert stack.up().changes["update"] == 1
    assert "trust" not in hba.read_text()


def test_a_rotated_password_replaces_the_old_one(stack: LocalStack) -> None:
    old = stack.output("administrator")
    stack.wanted["rotation"] = "2"
    assert stack.up().code == 0
    assert stack.output("administrator") != old
    over_tcp(stack, "postgres").close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        over_tcp(stack, "postgres", password=old)


def test_a_port_in_use_is_one_line_and_the_server_goes_on(stack: LocalStack) -> None:
    port = stack.wanted["instance_port"]
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        stack.wanted["instance_port"] = stranger.getsockname()[1]
        step = stack.up()
    stack.wanted["instance_port"] = port
    assert step.code != 0
    assert f"in use by python (pid {os.getpid()})" in step.output
    assert "Traceback" not in step.output
    assert shown(stack, "ssl") == "on"


def test_data_of_another_version_is_one_line_before_anything_is_touched(stack: LocalStack) -> None:
    stack.destroy()
    version = stack.service_folder / "data" / "PG_VERSION"
    version.write_text("15\n")
    step = stack.preview()
    version.write_text("17\n")
    assert step.code != 0
    assert "was made by PostgreSQL 15, but 17 was to start on it" in step.output
    assert "Traceback" not in step.output
    assert stack.up().code == 0


def test_data_outlives_a_destroy_and_is_adopted_by_the_next_up(stack: LocalStack) -> None:
    with on_socket(stack) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert stack.destroy().code == 0
    assert not (stack.service_folder / "data" / "postmaster.pid").exists()
    assert stack.up().code == 0
    with over_tcp(stack, "postgres") as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_without_keep_data_a_destroy_leaves_nothing(stack: LocalStack) -> None:
    stack.wanted["keep_data"] = False
    assert stack.up().code == 0
    assert stack.destroy().code == 0
    assert not stack.service_folder.parent.exists()
