"""Connections to real servers: every refusal and loss has its own error, and no password leaks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from components.contract import Login
from core.errors import (
    AuthenticationFailed,
    ConnectionLost,
    CopyFailed,
    SourceUnreachable,
    StepTimeout,
    TargetUnreachable,
)
from core.sessions.connections import Database
from servers import binaries
from servers.ports import free_port
from tests.support.places import REPOSITORY
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

SLEEPS = """
import os, sys
from core.errors import Interrupted
from core.interruption import Interruption
from core.sessions.session import Session
with Interruption().installed():
    connection = Session.connect(autocommit=True, application_name=sys.argv[1])
    try:
        connection.execute("SELECT pg_sleep(600)")
    except Interrupted as error:
        print(type(error).__name__, connection.execute("SELECT 1").fetchone())
        sys.stdout.flush()
        os._exit(0)
"""
"""Waits for the server; ends without closing its session."""

WRONG = "a-wrong-password-indeed"


def with_login(database: Database, name: str, password: str = WRONG) -> Database:
    return replace(database, login=Login(name=name, password=SecretStr(password)))


def moved(at: Database, **endpoint: object) -> Database:
    return replace(at, endpoint=at.endpoint.model_copy(update=endpoint))


def test_a_shared_database_that_is_down_is_unreachable(source_database: Database) -> None:
    with pytest.raises(SourceUnreachable, match="refused"):
        moved(source_database, port=free_port()).connect()


def test_an_instance_that_is_down_is_unreachable(target_database: Database) -> None:
    with pytest.raises(TargetUnreachable, match="refused"):
        moved(target_database, port=free_port()).connect()


def test_a_name_that_does_not_resolve_is_unreachable(source_database: Database) -> None:
    with pytest.raises(SourceUnreachable):
        moved(source_database, host="nowhere.invalid", address=None).connect()


def test_a_database_that_does_not_exist_is_unreachable(source_database: Database) -> None:
    with pytest.raises(SourceUnreachable, match="does not exist"):
        moved(source_database, database="no_such_database").connect()


def test_a_certificate_of_another_name_is_unreachable(source_database: Database) -> None:
    with pytest.raises(SourceUnreachable, match="certificate"):
        moved(source_database, host="somebody.else").connect()


def test_a_wrong_password_is_an_authentication_failure(source_database: Database) -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        with_login(source_database, source_database.login.name).connect()
    assert WRONG not in str(caught.value)


def test_a_role_that_does_not_exist_is_an_authentication_failure(source_database: Database) -> None:
    with pytest.raises(AuthenticationFailed, match="nobody_at_all"):
        with_login(source_database, "nobody_at_all").connect()


def test_a_role_without_login_is_an_authentication_failure(source_database: Database) -> None:
    with source_database.connect() as connection:
        connection.execute("DROP ROLE IF EXISTS no_login")
        connection.execute(sql.SQL("CREATE ROLE no_login PASSWORD {}").format(sql.Literal(WRONG)))
        try:
            with pytest.raises(AuthenticationFailed, match="not permitted to log in"):
                with_login(source_database, "no_login").connect()
        finally:
            connection.execute("DROP ROLE no_login")


def test_a_session_that_the_server_ends_is_a_lost_connection(source_database: Database) -> None:
    with source_database.connect() as connection, source_database.connect() as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (connection.info.backend_pid,))
        with pytest.raises(ConnectionLost), source_database.translated("testing"):
            connection.execute("SELECT 1")


def test_a_statement_that_is_refused_says_why_but_quotes_no_row(source_database: Database) -> None:
    with source_database.connect() as connection:
        connection.execute("CREATE TEMP TABLE t (secret text CHECK (secret <> 'x'))")
        with pytest.raises(CopyFailed) as caught, source_database.translated("testing"):
            connection.execute("INSERT INTO t VALUES ('x')")
    assert "23514" in str(caught.value)
    assert "Failing row" not in str(caught.value)


def test_a_lock_that_does_not_come_is_a_time_out(source_database: Database) -> None:
    with source_database.connect() as connection, source_database.connect(autocommit=False) as other:
        connection.execute("CREATE TABLE t ()")
        other.execute("LOCK t")
        connection.execute("SET lock_timeout = '50ms'")
        with pytest.raises(StepTimeout), source_database.translated("testing"):
            connection.execute("SELECT FROM t")


def test_a_missing_privilege_is_an_authentication_failure(source_database: Database) -> None:
    with source_database.connect(autocommit=False) as connection:
        connection.execute("CREATE ROLE no_privilege")
        connection.execute("SET LOCAL ROLE no_privilege")
        with pytest.raises(AuthenticationFailed), source_database.translated("testing"):
            connection.execute("SELECT * FROM pg_authid")
        connection.rollback()


def test_psql_reaches_the_database_from_the_environment_alone(source_database: Database) -> None:
    psql = binaries.postgres_bin(15) / "psql"
    with source_database.client_environment() as environment:
        done = subprocess.run(
            [psql, "-XAtc", "SELECT current_database()"],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert source_database.login.password.get_secret_value() not in str(environment)
    assert done.stdout.strip() == source_database.endpoint.database


def test_the_password_file_is_private_and_goes_away(source_database: Database) -> None:
    with source_database.client_environment() as environment:
        path = Path(environment["PGPASSFILE"])
        assert path.stat().st_mode & 0o777 == 0o600
    assert not path.exists()


def test_a_password_file_that_a_killed_process_left_is_removed(source_database: Database) -> None:
    done = subprocess.run(["true"], check=True)
    assert done.returncode == 0
    with source_database.client_environment() as environment:
        ours = Path(environment["PGPASSFILE"])
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = ours.with_name(f"waqiti-pgpass-{dead.pid}-left")
    left.touch(0o600)
    with source_database.client_environment():
        assert not left.exists()


def test_passwords_with_every_awkward_character_work_in_the_password_file(source_database: Database) -> None:
    awkward = r"""a:b\c 'd" %e\\:"""
    with source_database.connect() as connection:
        connection.execute("DROP ROLE IF EXISTS awkward")
        connection.execute(sql.SQL("CREATE ROLE awkward LOGIN PASSWORD {}").format(sql.Literal(awkward)))
    database = with_login(source_database, "awkward", awkward)
    try:
        with database.client_environment() as environment:
            subprocess.run(
                [binaries.postgres_bin(15) / "psql", "-Xc", "SELECT 1"],
                env=environment,
                check=True,
                capture_output=True,
            )
        with psycopg.connect(database.conninfo(), autocommit=True) as session:
            assert session.info.user == "awkward"
    finally:
        with source_database.connect() as connection:
            connection.execute("DROP ROLE awkward")


def test_variables_of_the_operators_shell_do_not_lead_elsewhere(
    source_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSERVICE", "elsewhere")
    monkeypatch.setenv("PGOPTIONS", "-c search_path=elsewhere")
    with source_database.client_environment() as environment:
        assert "PGSERVICE" not in environment
        assert "elsewhere" not in environment["PGOPTIONS"]
    assert os.environ["PGSERVICE"] == "elsewhere"


def test_ctrl_c_ends_the_statement_that_is_under_way_on_the_server_too(source_database: Database) -> None:
    application = f"interrupted-{os.getpid()}"
    running = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND state = 'active'"
    with source_database.client_environment() as environment, source_database.connect() as watching:

        def count() -> int:
            row = watching.execute(running, [application]).fetchone()
            return int(row[0]) if row else 0

        with subprocess.Popen(
            [sys.executable, "-c", SLEEPS, application],
            env={**environment, "PYTHONPATH": "."},
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            wait_until(lambda: count() == 1)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=60)
        assert out == "Interrupted (1,)\n"
        assert count() == 0
