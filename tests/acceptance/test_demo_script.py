"""`script/demo` from nothing to eight databases: killed half-way, run again, gone on with, removed."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Iterator
from typing import Any, LiteralString

import pytest

from core.sessions.stack import endpoint_database, read_contract
from demo.database import SERVICES
from demo.environment.home import Options
from servers import ports
from tests.support import depth
from tests.support.demos import SECONDS, Demo, new_demo

pytestmark = pytest.mark.acceptance

OVERVIEW = "SELECT count(*), sum(balance) FROM analytics_schema.customer_overview"
WALLETS = "SELECT count(*), sum(balance) FROM wallet_schema.wallets"


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with new_demo() as made:
        yield made


@pytest.fixture(scope="module")
def facts(demo: Demo) -> dict[str, Any]:
    """The summary of a demo that was killed while it migrated, and gone on with.

    Before it, every other day, another one was killed while Pulumi was at work; it is removed without being
    asked.
    """
    if depth.is_wholly(2):
        demo.kill_in("pulumi up", 12)
    demo.kill_in("migration", 20)
    return demo.up("--keep")


def test_all_eight_services_answer_from_databases_of_their_own(facts: dict[str, Any]) -> None:
    assert set(facts["own_database"]) == set(SERVICES)
    assert len(set(facts["own_database"].values())) == len(SERVICES)


def test_every_service_was_moved_and_verified(facts: dict[str, Any]) -> None:
    assert {name: one["verified"] for name, one in facts["moved"].items()} == dict.fromkeys(SERVICES, "equal")


def test_no_statement_of_the_workload_failed(facts: dict[str, Any]) -> None:
    assert facts["workload"]["failures"] == []


def test_the_invariants_hold_on_the_new_databases(facts: dict[str, Any]) -> None:
    assert facts["violations"] == []


def test_a_lost_disk_was_brought_back_and_a_backup_proven(facts: dict[str, Any]) -> None:
    told = facts["backups"]
    assert told["point"]["pause_ms"] > 0
    assert told["proof"]["rows"] > 100
    assert told["lost"] == {"service": "user", "seconds": told["lost"]["seconds"], "rows_differing": 0}


def test_every_service_may_make_temporary_tables_as_before(demo: Demo, facts: dict[str, Any]) -> None:
    for service in read_contract(None, demo.root / "contract.json").services.values():
        with endpoint_database(service).connect() as connection, connection.transaction():
            connection.execute("CREATE TEMPORARY TABLE basket (id int) ON COMMIT DROP")
            row = connection.execute("INSERT INTO basket VALUES (1) RETURNING current_database()").fetchone()
        assert row == (service.instance.database,)


def test_a_view_over_two_services_goes_on_over_replicas(demo: Demo, facts: dict[str, Any]) -> None:
    services = read_contract(None, demo.root / "contract.json").services
    assert facts["workload"]["services"]["analytics"]["failed"] == 0

    def read(service: str, query: LiteralString) -> Any:
        with endpoint_database(services[service]).connect() as connection:
            return connection.execute(query).fetchone()

    deadline = time.monotonic() + 60
    while (shown := read("analytics", OVERVIEW)) != (wanted := read("wallet", WALLETS)):
        assert time.monotonic() < deadline, f"the view shows {shown}, the wallets are {wanted}"
        time.sleep(0.2)


def test_no_password_is_in_logs_reports_or_process_lists(demo: Demo, facts: dict[str, Any]) -> None:
    lines = (demo.root / "env").read_text(encoding="utf-8").splitlines()
    secrets = [line.partition("=")[2].strip("'") for line in lines if "PASSWORD=" in line]
    secrets.append((demo.root / "passphrase").read_text(encoding="utf-8"))
    contract = json.loads((demo.root / "contract.json").read_text(encoding="utf-8"))
    secrets += [service["service"]["password"] for service in contract["services"].values()]
    texts = [json.dumps(facts), *demo.processes()]
    for folder in ("log", "reports", "workload", "source/log"):
        texts += [
            file.read_text(errors="replace") for file in (demo.root / folder).rglob("*") if file.is_file()
        ]
    assert not [secret for secret in secrets if any(secret in text for text in texts)]


def test_going_on_with_a_demo_that_is_done_changes_nothing(demo: Demo, facts: dict[str, Any]) -> None:
    again = demo.up("--keep", "--no-backups")
    assert "backups" not in again
    assert again["own_database"] == facts["own_database"]
    assert again["violations"] == []


def test_a_second_demo_at_the_same_time_is_turned_away(demo: Demo, facts: dict[str, Any]) -> None:
    first = demo.start("up", "--keep", "--json")
    assert first.stderr is not None
    first.stderr.readline()
    status, _, error = demo.run("up", *demo.options)
    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=SECONDS)
    assert (first.returncode, said.splitlines()[-1].partition(";")[0]) == (130, "interrupted")
    assert (status, error.count("\n")) == (1, 1)
    assert "another script/demo is at work" in error


def test_down_leaves_no_process_and_no_file(demo: Demo, facts: dict[str, Any]) -> None:
    status, _, error = demo.run("down")
    assert status == 0, error
    assert demo.processes() == []
    assert not demo.root.exists()


def test_a_port_in_use_is_one_line(demo: Demo, facts: dict[str, Any]) -> None:
    demo.run("down")
    with socket.socket() as taken:
        taken.bind((ports.LOOPBACK, Options(port_offset=demo.offset).source_port))
        taken.listen()
        status, _, error = demo.run("up", *demo.options)
    assert (status, error.count("\n")) == (1, 1)
    assert "is in use" in error
