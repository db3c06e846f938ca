"""A whole stack on a real Docker Engine: deployed, isolated, filled by a real migration, updated, destroyed.

The tests share one stack and stand in the order of its life.
"""

from __future__ import annotations

import hashlib
import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import sql
from pydantic import SecretStr

from components.contract import Login
from core.sessions.stack import endpoint_database, target_database
from demo.environment.docker_host import image_name
from migration.replicate.subscription import Subscription
from operations.isolation.matrix import ELSEWHERE
from servers import ports
from servers.paths import cache_dir
from servers.pgbouncer_routes import read_routes
from tests.acceptance.logins import connect
from tests.support.absence import absent
from tests.support.docker_looks import (
    administrator,
    audit_lines,
    has_a_way_to_shared,
    passwords,
    see_a_change_of_a_user_in_analytics,
    server_log,
    tries_to_get_in,
    who_did,
)
from tests.support.docker_stacks import (
    DockerStack,
    audited_image_name,
    docker_host,
    docker_stack,
)
from tests.support.waiting import wait_until
from tests.support.writer import Writer

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1200)]

WRITE = "INSERT INTO import_rejects (line, raw) VALUES (0, %s)"
QUEUE = "INSERT INTO jobs (payload) VALUES (to_jsonb(%s::text))"
"""The notification service's; its keys are of a sequence."""


@pytest.fixture(scope="module")
def deployed() -> Iterator[DockerStack]:
    """All services up, their gateways leading to the demo's shared database."""
    with docker_host() as host, docker_stack(host) as made:
        made.fill_source()
        made.stack.up()
        yield made


@pytest.fixture(scope="module")
def watched(deployed: DockerStack) -> DockerStack:
    """The same with monitoring, which goes when the stack does."""
    first = next(port for port in range(20_000, 60_000, 40) if not ports.is_taken(port))
    deployed.stack.configure({"monitoring": {"port": first, "interval": 5}})
    deployed.stack.up()
    deployed.contract_file().unlink()
    return deployed


@pytest.fixture(scope="module")
def moved(deployed: DockerStack) -> DockerStack:
    """The same after one run moved every service, while one of them was written to."""
    user = deployed.contract.services["user"]
    with Writer(endpoint_database(user), WRITE) as writer:
        writer.wait_for_more()
        done = deployed.migration("run", "--all", "--yes", "--json")
        assert done.returncode == 0, done.stderr[-3000:]
        writer.wait_for_more()
    writes = {"acknowledged": writer.acknowledged, "failed": writer.failed}
    (deployed.stack.folder / "outcome.json").write_text(json.dumps({**json.loads(done.stdout), **writes}))
    return deployed


def test_a_preview_right_after_an_up_is_empty(deployed: DockerStack) -> None:
    assert deployed.stack.changes() == {}


def test_containers_have_a_read_only_root_no_capability_no_port_and_limits(deployed: DockerStack) -> None:
    for service in deployed.contract.services:
        for kind in ("instance", "gateway"):
            host = deployed.container(service, kind)["HostConfig"]
            assert host["ReadonlyRootfs"]
            assert host["CapDrop"] == ["ALL"]
            assert host["Memory"] == host["MemorySwap"] > 0
            assert not host["PortBindings"]
            assert host["RestartPolicy"]["Name"] == "always"
        found, gateway = deployed.container(service), deployed.container(service, "gateway")
        assert found["HostConfig"]["NanoCpus"] > 0
        # Every statement passes the gateway: busy instances of others do not make it wait its turn.
        assert gateway["HostConfig"]["CpuShares"] > found["HostConfig"]["CpuShares"] > 0
        assert found["State"]["Health"]["Status"] in ("starting", "healthy")


def test_gateways_run_the_pgbouncer_that_was_compiled_with_our_patches(deployed: DockerStack) -> None:
    compiled = cache_dir() / "pgbouncer"
    if not (compiled / "patches").exists():
        absent("script/bootstrap has not compiled PgBouncer here: apt-get install gcc make patch")
    said = deployed.execute("user-gateway", "sha256sum", "/usr/sbin/pgbouncer")
    assert said.split()[0] == hashlib.sha256((compiled / "bin/pgbouncer").read_bytes()).hexdigest()


def test_no_password_is_in_a_containers_environment_or_command(deployed: DockerStack) -> None:
    secrets = passwords(deployed.contract)
    for service in deployed.contract.services:
        for kind in ("instance", "gateway"):
            said = json.dumps(deployed.container(service, kind))
            assert not [name for name, word in secrets.items() if word in said]


def test_what_a_killed_health_check_leaves_behind_ends_no_session(deployed: DockerStack) -> None:
    with target_database(deployed.contract.services["user"]).connect() as session:
        session.execute("SELECT 1")
        deployed.execute("user-instance", "sh", "-c", "(sleep 1; exit 2) & kill -9 $$")
        time.sleep(3)
        session.execute("SELECT 1")


def test_each_service_reaches_its_own_gateway_and_nothing_else(deployed: DockerStack) -> None:
    done = deployed.isolation()
    found = json.loads(done.stdout)
    assert (found["breaches"], found["notes"]) == ([], []), found["engine"]
    assert done.returncode == 0
    services = list(deployed.contract.services)
    assert len(services) == 8
    assert set(found["attempts"]) == {*services, ELSEWHERE}
    for origin in services:
        tried = found["attempts"][origin]
        reached = {one["target"] for one in tried if one["result"] in ("open", "refused")}
        assert reached == {f"gateway:{origin}"}
        assert {one["target"] for one in tried} >= {
            "host",
            *(f"{kind}:{name}" for kind in ("gateway", "instance") for name in services),
        }
        # No route at all: the kernel says so before anything is sent.
        assert found["default_routes"][origin] == 0
        assert [one["result"] for one in tried if one["target"] == "out"] == ["no-route"]


def test_a_stolen_superuser_password_is_of_no_use_but_from_the_host(deployed: DockerStack) -> None:
    service = deployed.contract.services["user"]
    stolen = administrator(deployed, "user")
    for where in ("user-gateway", "analytics-instance"):
        assert "pg_hba.conf rejects connection" in tries_to_get_in(deployed, where, service, stolen)


def test_every_service_is_watched_from_the_host(watched: DockerStack) -> None:
    control = watched.contract.monitoring
    assert control is not None
    services = set(watched.contract.services)

    def said(query: str) -> dict[str, str]:
        with urllib.request.urlopen(  # noqa: S310 (the stack's own, on loopback)
            f"{control.prometheus}/api/v1/query?query={query}", timeout=10
        ) as answer:
            found = json.load(answer)["data"]["result"]
        return {one["metric"]["service"]: one["value"][1] for one in found}

    queries = ("pg_up", "waqiti_gateway_up", "waqiti_certificate_days_left>9", "waqiti_disk_free_bytes>0")
    wait_until(lambda: all(set(said(query)) == services for query in queries), 60)
    assert set(said("pg_up").values()) == set(said("waqiti_gateway_up").values()) == {"1"}
    assert watched.stack.changes() == {}


def test_all_services_move_under_load_and_no_write_is_lost(moved: DockerStack) -> None:
    outcome = json.loads((moved.stack.folder / "outcome.json").read_text())
    assert {one["state"] for one in outcome["services"]} == {"moved"}
    assert {one["verified"] for one in outcome["services"]} == {"equal"}
    assert outcome["failed"] == []
    user = moved.contract.services["user"]
    with connect(user.endpoint, user.service) as connection:
        rows = connection.execute(
            "SELECT count(*) FROM import_rejects WHERE raw = ANY(%s)", [outcome["acknowledged"]]
        ).fetchone()
    assert rows == (len(outcome["acknowledged"]),)


def test_an_up_after_the_move_changes_nothing_and_leaves_routes_alone(moved: DockerStack) -> None:
    assert moved.stack.changes() == {}
    for service in moved.contract.services.values():
        route = read_routes(Path(service.gateway_control.routes))
        assert route is not None
        assert route.leads_to == "target"


def test_one_service_goes_back_forward_and_finishes_while_it_is_written_to(moved: DockerStack) -> None:
    service = moved.contract.services["notification"]
    verbs = [("rollback", "source", "--immediate"), ("cutover", "target"), ("finish", "target")]
    with Writer(endpoint_database(service), QUEUE) as writer:
        writer.wait_for_more()
        for verb, leads_to, *options in verbs:
            done = moved.migration(verb, service.name, *options, "--yes", "--json")
            assert done.returncode == 0, done.stderr[-3000:]
            route = read_routes(Path(service.gateway_control.routes))
            assert (verb, route and route.leads_to) == (verb, leads_to)
            assert has_a_way_to_shared(moved, service.name) == (verb != "finish")
            writer.wait_for_more(20)
    assert writer.failed == []
    with connect(service.endpoint, service.service) as connection:
        written = connection.execute(
            "SELECT payload #>> '{}' FROM jobs WHERE payload #>> '{}' = ANY(%s)", [writer.acknowledged]
        ).fetchall()
    assert sorted(word for (word,) in written) == sorted(writer.acknowledged)


def test_a_readers_server_gets_in_only_as_the_role_that_streams(
    moved: DockerStack,
) -> None:
    user, wallet = (moved.contract.services[name] for name in ("user", "wallet"))
    for login in (user.service, user.migration, user.backup):
        assert "pg_hba.conf rejects connection" in tries_to_get_in(moved, "analytics-instance", user, login)
    # No password yet: nobody gets in as it either.
    reading = Login(name="waqiti_reads_analytics_of_user", password=SecretStr("any"))
    assert "password authentication failed" in tries_to_get_in(moved, "analytics-instance", user, reading)
    assert "pg_hba.conf rejects connection" in tries_to_get_in(moved, "analytics-instance", wallet, reading)
    assert "Network is unreachable" in tries_to_get_in(moved, "payment-instance", user, reading)


def test_all_services_finish_and_replicas_follow_the_own_databases(
    moved: DockerStack,
) -> None:
    for services in (["analytics"], ["--all"]):
        done = moved.migration("finish", *services, "--yes", "--json")
        assert done.returncode == 0, done.stderr[-3000:]
        # What reads others in the shared database needs its way there until those are finished.
        assert has_a_way_to_shared(moved, "analytics") == (services == ["analytics"])
    see_a_change_of_a_user_in_analytics(moved)
    said = json.loads(moved.migration("references", "--json").stdout)
    assert {(one["service"], one["followed_in"]) for one in said["replicas"]} == {
        ("user", "own"),
        ("wallet", "own"),
    }
    with connect(moved.contract.services["analytics"].instance, administrator(moved, "analytics")) as session:
        kept = session.execute("SELECT subconninfo FROM pg_subscription").fetchall()
    secrets = passwords(moved.contract)
    assert len(kept) == 2
    for (conninfo,) in kept:
        assert "user=waqiti_reads_analytics_of_" in conninfo
        assert not [name for name, word in secrets.items() if word in conninfo]


def test_a_finished_service_has_left_the_shared_network_for_good(
    moved: DockerStack,
) -> None:
    assert not [name for name in moved.contract.services if has_a_way_to_shared(moved, name)]
    assert moved.stack.changes() == {}
    moved.engine.connect("waqiti-test-link", "waqiti-test-user-instance")
    assert moved.stack.changes() == {"update": ["user-instance-link"]}
    moved.stack.up()
    assert not has_a_way_to_shared(moved, "user")


def test_the_audit_log_is_json_says_who_wrote_what_and_holds_no_password(moved: DockerStack) -> None:
    secrets = passwords(moved.contract)
    payment = moved.contract.services["payment"]
    with connect(payment.endpoint, payment.service) as connection:
        connection.execute("SELECT 'a statement to be found again'")
    logs = {service: server_log(moved, service) for service in moved.contract.services}
    lines = [json.loads(line) for line in logs["payment"].splitlines()]
    assert [line["user"] for line in lines if "to be found again" in line["message"]] == [
        payment.service.name
    ]
    for log in logs.values():
        assert not [name for name, word in secrets.items() if word in log]


def test_an_update_of_limits_parameters_and_image_only_makes_clients_wait(moved: DockerStack) -> None:
    container = moved.container("user")
    user = moved.contract.services["user"]
    with Writer(endpoint_database(user), WRITE) as writer:
        writer.wait_for_more()
        changes = {"postgresImage": audited_image_name(), "gatewayImage": image_name()}
        moved.stack.configure({"scale": "0.3", "docker": {**moved.stack.settings["docker"], **changes}})
        moved.stack.up()
        writer.wait_for_more()
    assert writer.failed == []
    after = moved.container("user")
    assert after["Image"] != container["Image"]
    assert after["HostConfig"]["Memory"] > container["HostConfig"]["Memory"]
    with connect(user.endpoint, user.service) as connection:
        assert connection.execute("SHOW shared_buffers").fetchone() == ("76MB",)


def test_pgaudit_says_who_changed_what_and_no_password(moved: DockerStack) -> None:
    user, payment = (moved.contract.services[name] for name in ("user", "payment"))
    with connect(user.endpoint, user.service) as connection:
        connection.execute(WRITE, ["a row to be found again"])
        connection.execute("SELECT 'a statement that is not audited'")
    with connect(payment.endpoint, payment.service) as connection:
        connection.execute("SELECT 'a statement to be found by pgaudit'")
    with connect(user.instance, user.backup) as connection:
        connection.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                sql.Identifier(user.backup.name), sql.Literal(user.backup.password.get_secret_value())
            )
        )
    audit = audit_lines(moved, "user")
    assert ("WRITE,INSERT", user.service.name) in who_did(audit, "a row to be found again")
    assert who_did(audit, "that is not audited") == set()
    assert who_did(audit, "PASSWORD <REDACTED>") == {("ROLE,ALTER ROLE", user.backup.name)}
    assert who_did(audit_lines(moved, "payment"), "to be found by pgaudit") == {
        ("READ,SELECT", payment.service.name)
    }


def test_pgaudit_does_not_see_the_password_of_a_subscription(moved: DockerStack) -> None:
    user = moved.contract.services["user"]
    secret = user.migration.password.get_secret_value()
    with connect(user.instance, user.migration) as connection:
        connection.execute(
            "CREATE SUBSCRIPTION audited CONNECTION 'host=127.0.0.1 password=not-a-secret' PUBLICATION p"
            " WITH (connect = false, slot_name = NONE)"
        )
        subscription = Subscription(connection, "audited")
        subscription.make(f"host=127.0.0.1 password={secret}", 170000, slot="audited", enabled=False)
        subscription.drop(10)
    assert who_did(audit_lines(moved, "user"), "not-a-secret")  # what is not kept from it is in the log
    secrets = passwords(moved.contract)
    for service in moved.contract.services:
        log = server_log(moved, service)
        assert not [name for name, word in secrets.items() if word in log]


def test_an_audited_instance_is_given_no_image_without_pgaudit(moved: DockerStack) -> None:
    docker = moved.stack.settings["docker"]
    moved.stack.configure({"docker": {**docker, "postgresImage": image_name()}})
    try:
        said = moved.stack.run("preview", "--stack", "test", check=False)
    finally:
        moved.stack.configure({"docker": docker})
    assert said.code != 0
    assert "is audited by pgaudit, and the image has none" in said.output
    assert "Traceback" not in said.output


def test_another_major_version_is_refused_with_the_way_to_do_it(moved: DockerStack) -> None:
    moved.stack.configure({"postgresVersion": 18})
    try:
        said = moved.stack.up(check=False)
        assert said.code != 0
        assert "cannot become 18" in said.output
        assert "python -m migration" in said.output
        assert "Traceback" not in said.output
    finally:
        moved.stack.configure({"postgresVersion": None})
    # Neither what was updated before nor what was refused just now is left to do.
    assert moved.stack.changes() == {}


def test_the_link_is_taken_away_without_a_restart(deployed: DockerStack) -> None:
    before = {
        service: deployed.container(service)["State"]["StartedAt"] for service in deployed.contract.services
    }
    deployed.stack.configure({"docker": {**deployed.stack.settings["docker"], "link": False}})
    deployed.stack.up()
    for service, reads in deployed.contract.services.items():
        found = deployed.container(service)
        joined = {f"waqiti-test-{one}-inner" for one in (service, *reads.reads)}
        assert set(found["NetworkSettings"]["Networks"]) == joined
        assert found["State"]["StartedAt"] == before[service]
    assert deployed.engine.network("waqiti-test-link") is None
    see_a_change_of_a_user_in_analytics(deployed)


def test_a_destroy_keeps_the_volumes_unless_told(deployed: DockerStack) -> None:
    deployed.stack.configure({"keepData": True})
    deployed.stack.up()
    deployed.stack.run("destroy", "--yes", "--skip-preview", "--stack", "test")
    assert deployed.engine.container("waqiti-test-user-instance") is None
    assert deployed.engine.volume("waqiti-test-user-data") is not None
