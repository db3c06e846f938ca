"""A real `pulumi up`: what it exports, what a second one does, what a change touches."""

from __future__ import annotations

import json
import re
from typing import Any

import psycopg
import pytest

from tests.acceptance.conftest import SERVICES
from tests.acceptance.logins import connect
from tests.acceptance.stack import Stack

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]


def test_a_preview_right_after_an_up_is_empty(deployed: Stack) -> None:
    assert deployed.changes() == {}


def test_a_refresh_right_after_an_up_finds_nothing_changed(deployed: Stack) -> None:
    said = deployed.run("refresh", "--yes", "--skip-preview", "--stack", "test", "--expect-no-changes")
    assert said.code == 0


def test_the_contract_can_be_read_back(deployed: Stack) -> None:
    contract = deployed.contract()
    assert (contract.project, contract.stack, tuple(contract.services)) == ("waqiti", "test", SERVICES)


def test_outputs_mask_passwords_and_nothing_else(deployed: Stack) -> None:
    masked = dict(_flat(deployed.outputs(secrets=False)))
    shown = dict(_flat(deployed.outputs(secrets=True)))
    hidden = {path for path, value in masked.items() if value == "[secret]"}
    assert hidden == {path for path in shown if path.startswith(".contract") and path.endswith(".password")}


def test_no_password_is_in_the_state_in_clear(deployed: Stack) -> None:
    passwords = {
        value
        for path, value in _flat(deployed.outputs(secrets=True)["contract"])
        if path.endswith(".password")
    }
    state = deployed.run("stack", "export", "--stack", "test").output
    assert len(passwords) >= 5 * len(SERVICES)
    for password in passwords:
        assert password not in state


def test_each_endpoint_leads_to_its_services_schema_in_the_shared_database(deployed: Stack) -> None:
    for service in deployed.contract().services.values():
        with connect(service.endpoint, service.service) as connection:
            found = connection.execute("SELECT current_schema(), side FROM whose").fetchall()
        assert found == [(service.schema_name, "shared")]


def test_parameters_of_the_plan_are_in_force(deployed: Stack) -> None:
    service = deployed.contract().services["wallet"]
    with connect(service.instance, service.service) as connection:
        in_force = {
            name: connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            for name in (
                "default_transaction_isolation",
                "lock_timeout",
                "statement_timeout",
                "max_connections",
            )
        }
    assert in_force == {
        "default_transaction_isolation": ("serializable",),
        "lock_timeout": ("5s",),
        "statement_timeout": ("15s",),
        "max_connections": ("150",),
    }


def test_limits_come_only_with_the_step_that_takes_them_over(deployed: Stack) -> None:
    deployed.configure({"takenOver": ["user"]})
    try:
        deployed.up()
        service = deployed.contract().services["wallet"]
        with connect(service.instance, service.service) as connection:
            found = connection.execute(
                "SELECT current_setting('statement_timeout'),"
                " current_setting('default_transaction_isolation'),"
                " current_setting('effective_io_concurrency')"
            ).fetchone()
        assert found == ("0", "read committed", "250")
        assert not service.takes_over
    finally:
        deployed.configure({"takenOver": "all"})
        deployed.up()


def test_a_services_own_password_touches_that_service_only(deployed: Stack) -> None:
    deployed.variables["WALLET_DB_PASSWORD"] = "given-to-wallet"
    try:
        touched = [name for names in deployed.changes().values() for name in names]
    finally:
        del deployed.variables["WALLET_DB_PASSWORD"]
    of_services = {name for name in touched if name.startswith(SERVICES)}
    assert of_services, "the wallet's role is changed"
    assert all(name.startswith("wallet") for name in of_services), touched


def test_a_rotation_lets_nobody_in_with_the_old_passwords(deployed: Stack) -> None:
    before = deployed.contract()
    deployed.configure({"passwordRotation": "2"})
    assert set(deployed.changes()) == {"update"}, "nothing is replaced or deleted"
    deployed.up()
    after = deployed.contract()
    for name in SERVICES:
        old, new = before.services[name], after.services[name]
        for role in ("service", "migration", "monitoring", "backup"):
            with connect(new.instance, getattr(new, role)):
                pass
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                connect(new.instance, getattr(old, role)).close()
        with connect(new.endpoint, new.service):
            pass
    assert deployed.changes() == {}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"portOfset": 1}, "waqiti:portOfset: no such key; did you mean `portOffset`?"),
        ({"services": ["walet"]}, "waqiti:services: walet is not in services.yaml; did you mean `wallet`?"),
        ({"scale": "1000"}, "waqiti:scale: 1000: input should be less than or equal to 64; correct it"),
    ],
)
@pytest.mark.parametrize("command", [("preview",), ("up", "--yes", "--skip-preview")], ids=["preview", "up"])
def test_a_bad_setting_is_one_clear_line(
    deployed: Stack, change: dict[str, Any], line: str, command: tuple[str, ...]
) -> None:
    before = dict(deployed.settings)
    deployed.configure(change)
    try:
        said = deployed.run(*command, "--stack", "test", check=False)
    finally:
        deployed.configure({**dict.fromkeys(change), **before})
    assert said.code != 0
    assert set(re.findall(r"error: (.*)", said.output)) == {line}, said.output
    assert "Traceback" not in said.output


def _flat(value: Any, path: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [pair for key, inner in value.items() for pair in _flat(inner, f"{path}.{key}")]
    if isinstance(value, list):
        return [pair for number, inner in enumerate(value) for pair in _flat(inner, f"{path}.{number}")]
    return [(path, value if isinstance(value, str) else json.dumps(value))]
