"""Monitoring of a deployed stack: on by a setting, kept running, gone with the setting."""

from __future__ import annotations

import json
import os
import signal
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, LiteralString

import psutil
import pytest
import yaml

from components.contract import Contract, MonitoringControl
from core.sessions.connections import Database
from servers import ports
from tests.acceptance.stack import Stack
from tests.support.archives import until
from tests.support.places import REPOSITORY

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]

BUSINESS = "SELECT count(*) FROM users"


@pytest.fixture(scope="module")
def watched(deployed: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contract]:
    """The session's stack with monitoring and a business query of `user`, and without again afterwards."""
    catalogue = yaml.safe_load((REPOSITORY / "services.yaml").read_text(encoding="utf-8"))
    catalogue["services"]["user"]["slo"] = {"business": BUSINESS, "autoRollback": "5m"}
    file = tmp_path_factory.mktemp("slo") / "services.yaml"
    file.write_text(yaml.safe_dump(catalogue, sort_keys=False), encoding="utf-8")
    first = next(port for port in range(20_000, 60_000, 40) if not ports.is_taken(port))
    base = first - int(deployed.settings["portOffset"])
    # The offset is added to it.
    deployed.configure({"catalogue": str(file), "monitoring": {"port": max(base, 1024), "interval": 1}})
    deployed.up()
    contract = deployed.contract()
    assert contract.monitoring is not None
    yield contract
    deployed.configure({"catalogue": None, "monitoring": None})
    deployed.up()
    assert deployed.contract().monitoring is None
    assert not Path(contract.monitoring.folder).exists()
    assert ours(contract.monitoring) == {}
    assert not asked(contract, "SELECT to_regprocedure('waqiti_ddl.business()')")


def asked(contract: Contract, statement: LiteralString) -> object:
    """What the monitoring role is answered in `user`'s own database."""
    user = contract.services["user"]
    database = Database("user's own database", "target", user.instance, user.monitoring, plain=True)
    with closing(database.connect()) as session:
        row = session.execute(statement).fetchone()
    return row and row[0]


def ours(control: MonitoringControl) -> dict[str, int]:
    """The processes that name the folder: program's name to id."""
    found = {}
    for process in psutil.process_iter(["pid", "cmdline"]):
        words = process.info["cmdline"] or []
        if any(control.folder in word for word in words):
            found[Path(words[0]).name] = process.info["pid"]
    return found


def ask(control: MonitoringControl, path: str) -> Any:
    where = f"{control.prometheus}/api/v1/{path}"
    with urllib.request.urlopen(where, timeout=10) as answer:  # noqa: S310 (the stack's own, on loopback)
        return json.load(answer)["data"]


def up(control: MonitoringControl) -> list[str]:
    try:
        return [one["value"][1] for one in ask(control, "query?query=up")["result"]]
    except OSError:
        return []


def test_every_service_has_an_exporter_that_answers(watched: Contract) -> None:
    control = watched.monitoring
    assert control is not None
    until(lambda: up(control) == ["1"] * (len(watched.services) + 1), f"not all are up: {up(control)}", 60)
    found = {one["metric"]["service"] for one in ask(control, "query?query=pg_up")["result"]}
    assert found == set(watched.services)
    paused = ask(control, "query?query=waqiti_gateway_up")["result"]
    assert {one["value"][1] for one in paused} == {"1"}


def test_a_preview_right_after_it_is_empty(watched: Contract, deployed: Stack) -> None:
    assert deployed.changes() == {}


def test_the_business_query_is_asked_by_a_role_that_reads_no_table(watched: Contract) -> None:
    slo = watched.services["user"].slo
    assert slo is not None
    assert (slo.business, slo.auto_rollback) == (BUSINESS, 300)
    assert asked(watched, "SELECT to_regprocedure('waqiti_ddl.business()') IS NOT NULL") is True
    assert asked(watched, "SELECT waqiti_ddl.business()") is None, "its table is not there yet"
    assert asked(watched, "SELECT has_schema_privilege('user_schema', 'USAGE')") is False


def test_an_exporter_that_is_killed_is_started_again(watched: Contract) -> None:
    control = watched.monitoring
    assert control is not None
    before = ours(control)["postgres_exporter"]
    os.kill(before, signal.SIGKILL)
    until(lambda: ours(control).get("postgres_exporter", before) != before, "it is not started again", 30)


def test_all_that_watches_listens_on_loopback_alone(watched: Contract) -> None:
    control = watched.monitoring
    assert control is not None
    listening = [
        next(iter(one.laddr))
        for one in psutil.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN and one.pid in ours(control).values()
    ]
    assert listening
    assert set(listening) == {"127.0.0.1"}
    with socket.create_connection((control.address, control.own_port), timeout=5):
        pass


def test_no_password_is_on_a_command_line_or_in_a_public_file(watched: Contract) -> None:
    control = watched.monitoring
    assert control is not None
    secrets = {service.monitoring.password.get_secret_value() for service in watched.services.values()}
    for pid in ours(control).values():
        text = Path(f"/proc/{pid}/cmdline").read_text() + Path(f"/proc/{pid}/environ").read_text()
        assert not any(secret in text for secret in secrets)
    holders = {
        file.name
        for file in Path(control.folder).rglob("*")
        if file.is_file() and any(secret.encode() in file.read_bytes() for secret in secrets)
    }
    assert holders == {"instance"}


def test_who_looks_at_a_gateways_console_may_do_nothing_there(watched: Contract) -> None:
    from core.errors import GatewayFailed
    from operations.monitoring.figures.gateways import looking

    control = watched.monitoring
    assert control is not None
    from psycopg import sql

    from core.gateway.console import Console

    with Console(looking(control)["user"], "the gateway of user") as console:
        assert console.show("pools") is not None
        with pytest.raises(GatewayFailed, match="admin access needed"):
            console.command(sql.SQL("PAUSE"))


def test_targets_and_rules_are_an_output_for_ones_own_prometheus(watched: Contract, deployed: Stack) -> None:
    said = deployed.outputs(secrets=False)["monitoring"]
    targets = json.loads(Path(said["targets"]).read_text(encoding="utf-8"))
    assert {one["labels"].get("service") for one in targets} == {*watched.services, None}
    assert json.loads(Path(said["rules"]).read_text(encoding="utf-8"))["groups"]
    assert sorted(file.stem for file in Path(said["dashboards"]).iterdir()) == sorted(
        ["all-services", *watched.services]
    )
