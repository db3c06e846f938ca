"""One instance of a stack on Docker is hurt while all are written to: the others do not notice.

Three services whose gateways lead to their own instances; one of them has a small disk of its own. On the
engine that the machine has, maybe older than that of the other tests, and with the image that has pgaudit.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest

from components.contract import Service
from core.sessions.stack import endpoint_database
from demo.environment.docker_host import image_name
from operations.isolation.matrix import WITHOUT_ROUTE
from tests.acceptance.logins import connect
from tests.support import harms
from tests.support.disks import BlockDisk, block_disk
from tests.support.docker_stacks import DockerStack, audited_image_name, docker_host, docker_stack
from tests.support.writer import Writer

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(900)]

HURT = "analytics"
MEGABYTES = 512


@pytest.fixture(scope="module")
def disk() -> Iterator[BlockDisk]:
    with block_disk(MEGABYTES) as made:
        yield made


@pytest.fixture(scope="module")
def deployed(disk: BlockDisk) -> Iterator[DockerStack]:
    volume = {"options": {"type": "ext4", "device": disk.device}, "size": f"{MEGABYTES}MB"}
    docker = {"link": False, "volumes": {HURT: volume}}
    images = {"postgresImage": audited_image_name(), "gatewayImage": image_name()}
    changes = {"services": ["user", "notification", HURT], "docker": {**docker, **images}}
    with docker_host(installed=True) as host, docker_stack(host, changes) as made:
        made.stack.up()
        harms.give_each_a_table(made)
        yield made


@pytest.fixture
def hurt(deployed: DockerStack) -> Service:
    return deployed.contract.services[HURT]


@pytest.fixture
def unharmed(deployed: DockerStack) -> Iterator[Callable[[int], Writer]]:
    """Writers of all services at work. Called, it waits for so many writes of each of the others, none of
    them failed, and returns the writer of the one that is hurt. At the end that one has come back, with all
    that was acknowledged."""
    services = deployed.contract.services
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(Writer(endpoint_database(service), harms.WRITE))
            for name, service in services.items()
        }
        for writer in writers.values():
            writer.wait_for_more()

        def wait(count: int) -> Writer:
            for name, writer in writers.items():
                if name != HURT:
                    writer.wait_for_more(count)
                    assert writer.failed == [], name
            return writers[HURT]

        yield wait
        writers[HURT].wait_for_more(seconds=90)
        wait(2)
    for name, service in services.items():
        acknowledged = writers[name].acknowledged
        assert harms.count_of(service, acknowledged) == len(acknowledged), name


def test_a_preview_right_after_the_first_up_with_pgaudit_is_empty(deployed: DockerStack) -> None:
    for service in deployed.contract.services.values():
        with connect(service.instance, service.monitoring) as session:
            loaded = session.execute("SELECT extname FROM pg_extension WHERE extname = 'pgaudit'").fetchall()
        assert loaded == [("pgaudit",)]
    assert deployed.stack.changes() == {}


def test_limits_leave_something_to_the_others(deployed: DockerStack) -> None:
    processors = int(deployed.engine.info()["NCPU"])
    for service in deployed.contract.services:
        for kind in ("instance", "gateway"):
            limits = deployed.container(service, kind)["HostConfig"]
            assert limits["PidsLimit"] > 0
            assert not limits["OomKillDisable"]
        instance = deployed.container(service)["HostConfig"]
        assert instance["NanoCpus"] <= processors * 0.75 * 1e9
        assert instance["CpuShares"] > 0


def test_an_engine_of_any_age_isolates_and_says_what_it_cannot_do_better(deployed: DockerStack) -> None:
    done = deployed.isolation()
    found = json.loads(done.stdout)
    assert (done.returncode, found["breaches"]) == (0, [])
    out = {
        one["result"]
        for name in found["attempts"]
        for one in found["attempts"][name]
        if one["target"] == "out"
    }
    is_old = int(found["engine"].partition(".")[0]) < WITHOUT_ROUTE
    assert out == {"no-host" if is_old else "no-route"}
    assert len(found["notes"]) == (1 if is_old else 0)


def test_a_killed_instance_comes_back_and_the_others_do_not_notice(
    deployed: DockerStack, hurt: Service, unharmed: Callable[[int], Writer]
) -> None:
    harms.kill(deployed, hurt)
    unharmed(20)


def test_an_instance_that_burns_its_processors_leaves_the_others_theirs(
    hurt: Service, unharmed: Callable[[int], Writer]
) -> None:
    with harms.burning(hurt):
        unharmed(60)


def test_an_instance_out_of_memory_is_killed_within_its_own_limit(
    deployed: DockerStack, hurt: Service, unharmed: Callable[[int], Writer]
) -> None:
    before = deployed.container(HURT)["RestartCount"]
    harms.eat_memory(hurt)
    unharmed(20)
    assert deployed.container(HURT)["RestartCount"] == before, "its postmaster was killed"


def test_an_instance_that_fills_its_disk_fails_alone_and_comes_back(
    deployed: DockerStack, disk: BlockDisk, hurt: Service, unharmed: Callable[[int], Writer]
) -> None:
    assert harms.fill(hurt)
    unharmed(20)
    line = deployed.execute(f"{HURT}-instance", "/bin/sh", "/etc/waqiti/health", str(hurt.instance.port))
    log = "\n".join(deployed.engine.said(f"waqiti-test-{HURT}-instance"))
    assert "waqiti: disk full: " in line or "waqiti: disk full: " in log
    harms.grow(deployed, hurt, disk, MEGABYTES)
    _wait_until_it_answers(hurt)


def test_a_server_that_cannot_write_wal_stops_alone_and_comes_back(
    deployed: DockerStack, hurt: Service, unharmed: Callable[[int], Writer]
) -> None:
    told = harms.fill_with_wal(deployed, hurt)
    assert "No space left on device" in told or "terminat" in told or "closed" in told, told
    _wait_until(lambda: deployed.container(HURT)["State"]["Restarting"])
    unharmed(20)
    refused = deployed.stack.up(check=False)
    assert refused.code != 0
    assert "Traceback" not in refused.output
    line = next((one for one in refused.output.splitlines() if "disk full" in one), refused.output)
    assert "container waqiti-test-analytics-instance" in line
    assert "grow it, or remove its logs" in line
    harms.remove_logs(deployed, hurt)
    _wait_until_it_answers(hurt)
    harms.drop_slot(deployed, hurt)


def test_other_options_for_a_volume_with_data_are_refused(
    deployed: DockerStack,
) -> None:
    before = deployed.stack.settings["docker"]
    deployed.stack.configure({"docker": {**before, "volumes": {}}})
    try:
        said = deployed.stack.run("preview", "--stack", "test", check=False)
        assert said.code != 0
        assert (
            "docker.volumes.analytics: the volume waqiti-test-analytics-data is there, on local"
            in said.output
        )
    finally:
        deployed.stack.configure({"docker": before})


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _wait_until_it_answers(service: Service) -> None:
    deadline = time.monotonic() + 150  # Docker waits up to a minute before another start
    while True:
        try:
            harms.count_of(service, [])
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return
