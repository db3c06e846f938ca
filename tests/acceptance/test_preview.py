"""script/preview of a real stack: it says what `up` then does, and nothing where nothing changes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import psycopg
import pytest
import yaml

from components.contract import Service
from core.errors import ChangeRefused
from tests.acceptance.stack import Stack
from tests.support.clusters import Cluster
from tests.support.places import REPOSITORY

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]


def test_a_preview_without_a_change_is_empty_within_15_s(deployed: Stack) -> None:
    began = time.monotonic()
    code, found = _preview(deployed)
    seconds = time.monotonic() - began
    assert (code, found["empty"], found["changes"]) == (0, True, [])
    # Two services of eight; on a machine that does other things, too.
    assert seconds < 15 * 2, f"{seconds:.1f} s"


def test_what_a_preview_calls_a_reload_restarts_nothing_and_a_restart_does(deployed: Stack) -> None:
    deployed.configure({"catalogue": _catalogue(deployed, "wallet", {"lock_timeout": "7s"}, {})})
    try:
        _, reload = _preview(deployed)
        before = _started(deployed)
        deployed.up()
        reloaded = _started(deployed)
        restarting = _catalogue(deployed, "wallet", {"lock_timeout": "7s"}, {"sharedBuffers": "400MB"})
        deployed.configure({"catalogue": restarting})
        _, restart = _preview(deployed)
        deployed.up()
        restarted = _started(deployed)
    finally:
        deployed.configure({"catalogue": None})
        deployed.up()
    assert _effects(reload) == {("wallet", "reload")}
    assert reloaded == before, "neither instance was restarted"
    assert ("wallet", "restart") in _effects(restart)
    assert restarted["wallet"] > before["wallet"]
    assert restarted["user"] == before["user"]


def test_a_policy_refuses_what_the_program_lets_through(deployed: Stack) -> None:
    worse = _catalogue(deployed, "wallet", {"ssl_min_protocol_version": "TLSv1"}, {})
    deployed.configure({"catalogue": worse})
    try:
        code, found = _preview(deployed)
    finally:
        deployed.configure({"catalogue": None})
    assert code == ChangeRefused.exit_code
    (line,) = found["refused"]
    assert line.startswith("wallet-instance accepts TLSv1")
    assert "instances-have-tls" in line


def test_a_service_that_leaves_is_a_no_go_until_its_data_is_given_up(deployed: Stack) -> None:
    deployed.configure({"services": ["user"]})
    try:
        refused = _preview(deployed)
        deployed.configure({"mayLose": ["wallet"]})
        meant = _preview(deployed)
    finally:
        deployed.configure({"services": ["user", "wallet"], "mayLose": None})
    assert refused[0] == ChangeRefused.exit_code
    assert ("wallet", "data at risk") in _effects(refused[1])
    assert meant[0] == 0
    assert {service for service, _ in _effects(meant[1])} == {"wallet"}


def test_the_plans_difference_stands_under_it(deployed: Stack, shared_source: Cluster) -> None:
    view = "view wallet_schema.of_users -> user_schema.whose"
    deployed.configure({"catalogue": _catalogue(deployed, "wallet", {}, {}, crossing=view)})
    try:
        with shared_source.database("waqiti").connect() as connection:
            connection.execute("CREATE VIEW wallet_schema.of_users AS SELECT side FROM user_schema.whose")
        done = _run(deployed)
    finally:
        deployed.configure({"catalogue": None})
        with shared_source.database("waqiti").connect() as connection:
            connection.execute("DROP VIEW wallet_schema.of_users")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"- wallet: crossing `{view}`: **undecided** → drop" in done.stdout


def test_no_password_is_on_the_page(deployed: Stack) -> None:
    deployed.configure({"passwordRotation": "of a preview"})
    try:
        done = _run(deployed)
    finally:
        deployed.configure({"passwordRotation": None})
    contract = deployed.contract()
    secrets = [
        getattr(service, role).password.get_secret_value()
        for service in contract.services.values()
        for role in ("service", "migration", "monitoring", "backup")
    ]
    assert "passwords are drawn anew" in done.stdout
    assert not any(secret in done.stdout + done.stderr for secret in secrets)


def _preview(stack: Stack) -> tuple[int, dict[str, Any]]:
    done = _run(stack, "--json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def _run(stack: Stack, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "operations", "preview", "test", *options],
        cwd=stack.folder,
        env=stack.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def _catalogue(
    stack: Stack, service: str, parameters: dict[str, str], resources: dict[str, str], *, crossing: str = ""
) -> str:
    text = (REPOSITORY / "services.yaml").read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    entry = document["services"][service]
    entry["parameters"] = {**entry.get("parameters", {}), **parameters}
    entry["resources"] = {**entry["resources"], **resources}
    if crossing:
        rule = {"match": crossing, "action": "drop", "reason": "of a test"}
        entry["crossing"] = [rule, *entry.get("crossing", [])]
    path = stack.folder / "changed.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return str(path)


def _effects(found: dict[str, Any]) -> set[tuple[str, str]]:
    return {(change["service"], change["effect"]) for change in found["changes"]}


def _started(stack: Stack) -> dict[str, Any]:
    return {name: _start_of(service) for name, service in stack.contract().services.items()}


def _start_of(service: Service) -> Any:
    endpoint, login = service.instance, service.monitoring
    with psycopg.connect(
        host=endpoint.host,
        hostaddr=endpoint.address,
        port=endpoint.port,
        dbname=endpoint.database,
        user=login.name,
        password=login.password.get_secret_value(),
        sslmode=endpoint.sslmode,
        sslrootcert=endpoint.sslrootcert,
    ) as connection:
        row = connection.execute("SELECT pg_postmaster_start_time()").fetchone()
    return row[0] if row else None
