"""Changes made by hand behind Pulumi's back: each is named, and mended by the command that is printed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from components.contract import Service
from core.errors import DriftFound
from core.gateway.console import Console
from core.sessions.session import Connection
from operations.drift.model import Declared, read_state
from tests.acceptance.stack import Stack

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(900)]


@dataclass
class Hand:
    """A person with a superuser's session, a console and an editor."""

    declared: Declared
    service: Service

    def sql(self, statement: str) -> None:
        with self._session() as connection:
            connection.execute(statement)

    def verifiers(self) -> list[tuple[Any, ...]]:
        """Roles with their verifiers, and which transaction wrote them."""
        with self._session() as connection:
            return connection.execute(
                "SELECT rolname, rolpassword, xmin::text FROM pg_authid WHERE rolpassword <> '' ORDER BY 1"
            ).fetchall()

    def _session(self) -> Connection:
        given = self.declared.one("pulumi:providers:postgresql") or {}
        return psycopg.connect(
            host=given["host"],
            port=int(given["port"]),
            user=given["username"],
            password=given["password"],
            dbname=self.declared.database,
            sslmode=given["sslmode"],
            sslrootcert=given["sslrootcert"],
            autocommit=True,
        )

    def console(self, statement: str) -> None:
        with Console(self.service.gateway_control, "the gateway") as console:
            console.command(psycopg.sql.SQL(statement))

    def edit(self, path: Path, before: str, after: str) -> None:
        """Replace a text, or with an empty one, append."""
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after, 1) if before else f"{text}{after}\n", encoding="utf-8")

    @property
    def data(self) -> Path:
        return Path(self.service.instance_control.data)

    @property
    def gateway(self) -> Path:
        return Path(self.service.gateway_control.routes).parent

    def read_again(self) -> None:
        os.kill(int((self.gateway / "pgbouncer.pid").read_text()), signal.SIGHUP)


def _sql(statement: str) -> Callable[[Hand], None]:
    return lambda hand: hand.sql(statement)


def _console(statement: str) -> Callable[[Hand], None]:
    return lambda hand: hand.console(statement)


def _lines(*edits: tuple[str, str, str]) -> Callable[[Hand], None]:
    def edit(hand: Hand) -> None:
        for name, before, after in edits:
            folder = hand.data if name.endswith(".conf") and name != "hba.conf" else hand.gateway
            hand.edit(folder / name, before, after)

    return edit


ROLE = "waqiti_user_service"
CHANGES: list[tuple[str, Callable[[Hand], None], str]] = [
    ("parameter", _sql("ALTER SYSTEM SET work_mem = '9MB'"), "parameter work_mem"),
    ("undeclared-parameter", _sql("ALTER SYSTEM SET log_temp_files = 0"), "parameter log_temp_files"),
    ("waits-for-restart", _sql("ALTER SYSTEM SET max_connections = 77"), "parameter max_connections"),
    ("waqiti.conf", _lines(("waqiti.conf", "lock_timeout = '30s'", "lock_timeout = '31s'")),
     "parameter lock_timeout"),
    ("postgresql.conf", _lines(("postgresql.conf", "", "log_executor_stats = on")),
     "parameter log_executor_stats"),
    ("hba-line", _lines(("pg_hba.conf", "", "host all all 0.0.0.0/0 trust")), "pg_hba.conf"),
    ("reread", _sql("SELECT pg_reload_conf()"), "parameter work_mem"),
    ("database-setting", _sql("ALTER DATABASE waqiti_users SET statement_timeout = '1h'"),
     "setting statement_timeout of waqiti_users"),
    ("role-setting", _sql(f"ALTER ROLE {ROLE} SET work_mem = '1GB'"), f"setting work_mem of {ROLE}"),
    ("search-path", _sql(f"ALTER ROLE {ROLE} SET search_path = public"), f"setting search_path of {ROLE}"),
    ("everybody", _sql("ALTER ROLE ALL SET geqo = off"), "setting geqo of all roles"),
    ("role-in-database", _sql(f"ALTER ROLE {ROLE} IN DATABASE waqiti_users SET jit = off"),
     f"setting jit of {ROLE} in waqiti_users"),
    ("setting-gone", _sql("ALTER ROLE waqiti_user_migration RESET lock_timeout"),
     "setting lock_timeout of waqiti_user_migration"),
    ("superuser", _sql(f"ALTER ROLE {ROLE} SUPERUSER"), f"role {ROLE}"),
    ("createrole", _sql("ALTER ROLE waqiti_user_backup CREATEROLE"), "role waqiti_user_backup"),
    ("createdb", _sql("ALTER ROLE waqiti_user_migration CREATEDB"), "role waqiti_user_migration"),
    ("limit", _sql("ALTER ROLE waqiti_user_monitoring CONNECTION LIMIT 99"), "role waqiti_user_monitoring"),
    ("until", _sql("ALTER ROLE waqiti_user_back VALID UNTIL '2030-01-01'"), "role waqiti_user_back"),
    ("no-login", _sql("ALTER ROLE waqiti_user_owner LOGIN"), "role waqiti_user_owner"),
    ("stranger", _sql("CREATE ROLE stranger LOGIN"), "role stranger"),
    ("member", _sql(f"GRANT pg_read_all_data TO {ROLE}"), f"{ROLE} in pg_read_all_data"),
    ("no-member", _sql("REVOKE pg_monitor FROM waqiti_user_monitoring"),
     "waqiti_user_monitoring in pg_monitor"),
    ("owner", _sql(f"GRANT waqiti_user_owner TO {ROLE}"), f"{ROLE} in waqiti_user_owner"),
    ("password", _sql(f"ALTER ROLE {ROLE} PASSWORD 'by hand'"), f"password of {ROLE}"),
    ("no-password", _sql("ALTER ROLE waqiti_user_backup PASSWORD NULL"), "password of waqiti_user_backup"),
    ("connect", _sql("GRANT CONNECT ON DATABASE waqiti_users TO PUBLIC"),
     "CONNECT on database waqiti_users to PUBLIC"),
    ("no-connect", _sql("REVOKE CONNECT ON DATABASE waqiti_users FROM waqiti_user_monitoring"),
     "CONNECT on database waqiti_users to waqiti_user_monitoring"),
    ("create", _sql("GRANT CREATE ON SCHEMA public TO PUBLIC"), "CREATE on schema public to PUBLIC"),
    ("no-usage", _sql(f"REVOKE USAGE ON SCHEMA user_schema FROM {ROLE}"),
     f"USAGE on schema user_schema to {ROLE}"),
    ("parameter-right", _sql(f"GRANT SET ON PARAMETER log_statement TO {ROLE}"),
     f"SET on parameter log_statement to {ROLE}"),
    ("function", _sql(f"GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO {ROLE}"),
     f"EXECUTE on function pg_catalog.pg_read_file(text) to {ROLE}"),
    ("no-function", _sql("REVOKE EXECUTE ON FUNCTION pg_catalog.pg_switch_wal() FROM waqiti_user_backup"),
     "EXECUTE on function pg_catalog.pg_switch_wal to waqiti_user_backup"),
    ("default",
     _sql("ALTER DEFAULT PRIVILEGES FOR ROLE waqiti_user_owner GRANT EXECUTE ON FUNCTIONS TO PUBLIC"),
     "default EXECUTE on FUNCTIONS of waqiti_user_owner to PUBLIC"),
    ("no-default",
     _sql(f"ALTER DEFAULT PRIVILEGES FOR ROLE waqiti_user_owner REVOKE DELETE ON TABLES FROM {ROLE}"),
     f"default DELETE on TABLES of waqiti_user_owner to {ROLE}"),
    ("extension", _sql("CREATE EXTENSION fuzzystrmatch"), "extension fuzzystrmatch"),
    ("no-extension", _sql("DROP EXTENSION pg_trgm"), "extension pg_trgm"),
    ("extension-moved", _sql("CREATE SCHEMA elsewhere; ALTER EXTENSION citext SET SCHEMA elsewhere"),
     "extension citext"),
    ("ini", _lines(("pgbouncer.ini", "default_pool_size = 20", "default_pool_size = 1")),
     "gateway's default_pool_size"),
    ("gateway-user", _lines(("users.txt", "", '"stranger" "x"')), "gateway's password of stranger"),
    ("gateway-hba", _lines(("hba.conf", "", "host all all 127.0.0.1/32 trust")), "gateway's hba.conf"),
    ("gateway-reread", Hand.read_again, "gateway's default_pool_size"),
    ("console", _console("SET query_wait_timeout = 5"), "gateway's query_wait_timeout"),
    ("console-clients", _console("SET max_client_conn = 3"), "gateway's max_client_conn"),
    ("route", _lines(("routes.ini", "dbname='waqiti'", "dbname='elsewhere'")), "gateway's route: database"),
    ("paused", _console("PAUSE waqiti_users"), "gateway's database waqiti_users"),
]  # fmt: skip
"""What is done, and how the line begins that names it."""


def test_a_stack_that_nobody_touched_has_no_drift(deployed: Stack) -> None:
    code, found = _drift(deployed)
    assert (code, found) == (0, [])
    for _ in range(9):
        assert _drift(deployed, "--no-refresh") == (0, [])


def test_each_of_forty_changes_is_named_and_mended_as_printed(deployed: Stack) -> None:
    hand = _hand(deployed, "user")
    assert len(CHANGES) >= 40
    for _, change, _ in CHANGES:
        change(hand)
    code, found = _drift(deployed)
    named = [one["what"] for one in found]
    missed = [name for name, _, what in CHANGES if not any(line.startswith(what) for line in named)]
    assert (code, missed) == (DriftFound.exit_code, [])
    assert {one["service"] for one in found} == {"user"}, "nothing of the other service"
    assert all(one["origin"] and one["mend"] for one in found)
    _mend(deployed, [one["mend"] for one in found])
    assert _drift(deployed) == (0, [])
    _hand(deployed, "user").sql("DROP SCHEMA elsewhere")


def test_no_password_is_in_what_drift_prints(deployed: Stack) -> None:
    hand = _hand(deployed, "wallet")
    hand.sql("ALTER ROLE waqiti_wallet_service PASSWORD 'by hand'")
    done = _run(deployed)
    secrets = {
        value
        for one in hand.declared.resources
        for key, value in one.inputs.items()
        if "password" in key.lower() and isinstance(value, str)
    }
    assert done.returncode == DriftFound.exit_code
    assert "password of waqiti_wallet_service" in done.stdout
    assert not any(secret in done.stdout + done.stderr for secret in secrets)
    _mend(deployed, [line.strip() for line in done.stdout.splitlines() if line.startswith("    ")])
    assert _drift(deployed, "--no-refresh") == (0, [])


def test_an_instance_or_a_gateway_that_is_down_is_said(deployed: Stack) -> None:
    hand = _hand(deployed, "wallet")
    os.kill(int((hand.gateway / "pgbouncer.pid").read_text()), signal.SIGKILL)
    _, found = _drift(deployed, "--no-refresh")
    assert [(one["service"], one["what"]) for one in found] == [("wallet", "gateway")]
    _mend(deployed, [one["mend"] for one in found])
    assert _drift(deployed, "--no-refresh") == (0, [])


def _drift(stack: Stack, *options: str) -> tuple[int, list[dict[str, Any]]]:
    done = _run(stack, "--json", *options)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout).get("differences", done.stdout)


def _run(stack: Stack, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "operations", "drift", "test", *options],
        cwd=stack.folder,
        env=stack.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def _mend(stack: Stack, commands: list[str]) -> None:
    """Paste each command once; what brings the whole stack back comes last."""
    for command in sorted(dict.fromkeys(commands), key=lambda command: "pulumi" in command):
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=stack.folder,
            env=stack.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    settings = yaml.safe_load((stack.folder / "Pulumi.test.yaml").read_text(encoding="utf-8"))["config"]
    stack.settings = {name.removeprefix("waqiti:"): value for name, value in settings.items()}


def _hand(stack: Stack, service: str) -> Hand:
    state = json.loads(stack.run("stack", "export", "--show-secrets", "--stack", "test").output)
    return Hand(read_state(state, "test")[service], stack.contract().services[service])


def test_an_up_without_a_change_writes_no_verifier_anew(deployed: Stack) -> None:
    # A new salt breaks a pooler that holds the old verifier (zalando/postgres-operator#3170).
    hands = [_hand(deployed, name) for name in deployed.contract().services]
    before = [(hand.verifiers(), (hand.gateway / "users.txt").read_bytes()) for hand in hands]
    deployed.up()
    deployed.run("refresh", "--yes", "--skip-preview", "--stack", "test")
    deployed.up()
    after = [(hand.verifiers(), (hand.gateway / "users.txt").read_bytes()) for hand in hands]
    assert after == before
    assert all(len(verifiers) >= 6 for verifiers, _ in before)
