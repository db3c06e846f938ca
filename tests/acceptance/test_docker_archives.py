"""Archives of a stack on Docker: each filled by a container that reaches its instance alone; a service is
brought back to a point, and after its disk was lost.

The tests share one stack and stand in the order of its life.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.archive_container import ArchiveContainer
from components.contract import Service
from core.gateway.gateway import Gateway
from core.sessions.connections import Database
from core.sessions.stack import endpoint_database, target_database
from operations.backup.archive import Archive
from operations.backup.catalogue import backups
from operations.isolation.matrix import ARCHIVE
from tests.support.archives import until
from tests.support.docker_looks import passwords
from tests.support.docker_stacks import DockerStack, docker_host, docker_stack, load_archive_image

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(900)]

SERVICES = ("user", "notification")
POINT = "before-the-release"


@pytest.fixture(scope="module")
def deployed() -> Iterator[DockerStack]:
    """Two services whose gateways lead to their own instances, which are backed up."""
    changes = {"services": list(SERVICES), "backups": True, "docker": {"link": False}}
    with docker_host() as host:
        load_archive_image(host)
        with docker_stack(host, changes) as made:
            made.stack.up()
            for service in made.contract.services.values():
                Gateway(service, made.contract.source).repoint("target")
            with target_database(made.contract.services["user"]).connect() as session:
                session.execute("CREATE TABLE user_schema.kept (what text)")
            yield made


@pytest.fixture
def user(deployed: DockerStack) -> Service:
    return deployed.contract.services["user"]


def archive(service: Service) -> Archive:
    assert service.backups is not None
    return Archive.of(service.backups)


def container(service: Service) -> ArchiveContainer:
    assert service.backups is not None
    assert service.backups.container is not None
    return service.backups.container


def operations(deployed: DockerStack, *arguments: str) -> Any:
    done = deployed.operations(*arguments, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def write(service: Service, what: str) -> str:
    """A row; returns the LSN after it."""
    with target_database(service).connect() as session:
        session.execute("INSERT INTO user_schema.kept VALUES (%s)", [what])
        ((lsn,),) = session.execute("SELECT pg_current_wal_insert_lsn()::text").fetchall()
    return str(lsn)


def rows(service: Service) -> list[str]:
    with target_database(service).connect() as session:
        return [
            what for (what,) in session.execute("SELECT what FROM user_schema.kept ORDER BY what").fetchall()
        ]


def test_each_archive_has_a_first_backup_and_is_its_users_alone(deployed: DockerStack) -> None:
    for service in deployed.contract.services.values():
        kept = archive(service)
        until(lambda kept=kept: backups(kept) and backups(kept)[-1].is_whole, "no first backup", 180)  # type: ignore[misc]
        status = kept.folder.stat()
        assert (status.st_mode & 0o777, status.st_uid) == (0o700, 999)


def test_a_preview_right_after_an_up_with_archives_is_empty(deployed: DockerStack) -> None:
    assert deployed.stack.changes() == {}
    assert deployed.drift() == []


def test_an_archives_container_has_no_capability_no_port_and_no_password(deployed: DockerStack) -> None:
    secrets = passwords(deployed.contract)
    for name in SERVICES:
        found = deployed.container(name, "archive")
        host = found["HostConfig"]
        assert host["ReadonlyRootfs"]
        assert (host["CapDrop"], host["PortBindings"] or {}) == (["ALL"], {})
        assert host["Memory"] == host["MemorySwap"] > 0
        assert host["PidsLimit"] > 0
        assert host["RestartPolicy"]["Name"] == "always"
        assert not [one for one, word in secrets.items() if word in json.dumps(found)]


def test_an_archive_reaches_its_instance_and_nothing_else(deployed: DockerStack) -> None:
    done = deployed.isolation()
    found = json.loads(done.stdout)
    assert (done.returncode, found["breaches"]) == (0, [])
    for name in SERVICES:
        tried = found["attempts"][f"{ARCHIVE}{name}"]
        reached = {one["target"] for one in tried if one["result"] in ("open", "refused")}
        assert reached == {f"instance:{name}", f"archive:{name}"}
        mounts = {one["Destination"] for one in deployed.container(name, "archive")["Mounts"]}
        others = [str(archive(one).folder) for one in deployed.contract.services.values() if one.name != name]
        assert not mounts & set(others)


def test_another_services_archive_is_not_let_in_as_the_backup_role(deployed: DockerStack) -> None:
    stranger = deployed.contract.services["notification"]
    words = archive(stranger).conninfo(streaming=False)
    instance = deployed.container("user")["NetworkSettings"]["Networks"]["waqiti-test-user-archive"][
        "IPAddress"
    ]
    elsewhere = " ".join(
        f"hostaddr={instance}" if word.startswith("hostaddr=") else word for word in words.split()
    )
    said = deployed.execute(
        "notification-archive", "/usr/lib/postgresql/17/bin/psql", elsewhere, "-c", "SELECT"
    )
    assert "unreachable" in said or "No route" in said


def test_a_backup_is_taken_in_the_container_and_listed(deployed: DockerStack, user: Service) -> None:
    taken = operations(deployed, "backup", "user")["services"]["user"]
    shown = operations(deployed, "backups", "list", "user")["services"]["user"]
    assert [one["backup"] for one in shown["backups"]][-1] == taken["backup"]
    assert shown["supervisor"]
    assert shown["receiver"]
    assert operations(deployed, "backups", "check", "user")["services"]["user"]["sound"]


def test_one_flipped_bit_in_an_archive_is_found_and_named(deployed: DockerStack, user: Service) -> None:
    newest = backups(archive(user))[-1]
    file = next((newest.folder / "data").glob("base.tar*"))
    whole = file.read_bytes()
    middle = len(whole) // 2
    with file.open("r+b") as opened:
        opened.seek(middle)
        opened.write(bytes([whole[middle] ^ 1]))
    try:
        done = deployed.operations("backups", "check", "user", "--everything", "--json")
        assert done.returncode == 52, done.stdout + done.stderr
        findings = json.loads(done.stdout)["services"]["user"]["findings"]
        assert [one["check"] for one in findings] == ["damaged"]
        assert file.name in findings[0]["problem"]
        refused = deployed.operations("proof", "user")
        assert refused.returncode == 56, refused.stdout + refused.stderr
    finally:
        with file.open("r+b") as opened:
            opened.seek(middle)
            opened.write(whole[middle : middle + 1])


def test_a_service_goes_back_to_an_lsn_and_its_endpoint_serves_it(
    deployed: DockerStack, user: Service
) -> None:
    lsn = write(user, "before")
    write(user, "after")
    restored = operations(deployed, "restore", "user", "--to-lsn", lsn)
    assert restored["state"] == "restored"
    assert deployed.container("user", "restored")["HostConfig"]["NetworkMode"] == "none"
    pasted = restored["psql"].replace("docker exec -it ", "docker exec -i ")
    looked = deployed.shell(f"{pasted} -Atc 'TABLE user_schema.kept'")
    assert looked.stdout.split() == ["before"]
    again = deployed.operations("restore", "user")
    assert again.returncode == 55
    swapped = operations(deployed, "restore", "user", "--swap", "--yes")
    assert Path(swapped["kept"]).exists()
    with endpoint_database(user).connect() as session:
        session.execute("SELECT 1")
    assert rows(user) == ["before"]
    assert deployed.engine.container("waqiti-test-user-restored") is None
    shown = operations(deployed, "backups", "list", "user")["services"]["user"]
    assert shown["backups"][-1]["timeline"] == 2


def test_a_point_is_met_exactly_and_given_up_without_a_trace(deployed: DockerStack, user: Service) -> None:
    write(user, "in the point")
    with Database("its backup role", "target", user.instance, user.backup).connect() as session:
        session.execute("SELECT pg_create_restore_point(%s)", [POINT])
    write(user, "later")
    restored = operations(deployed, "restore", "user", "--to-point", POINT)
    pasted = restored["psql"].replace("docker exec -it ", "docker exec -i ")
    looked = deployed.shell(f"{pasted} -Atc 'TABLE user_schema.kept'")
    assert looked.stdout.splitlines() == ["before", "in the point"]
    operations(deployed, "restore", "user", "--give-up")
    assert rows(user) == ["before", "in the point", "later"]
    assert deployed.engine.container("waqiti-test-user-restored") is None


def test_a_backup_is_proven_in_its_container(deployed: DockerStack) -> None:
    proven = operations(deployed, "proof", "user")["services"]["user"]
    assert proven["sound"]
    assert proven["rows"] >= 3


def test_a_lost_disk_is_brought_back_with_all_that_was_received(deployed: DockerStack, user: Service) -> None:
    write(user, "the last one")
    assert operations(deployed, "backups", "check", "user")["services"]["user"]["lag_seconds"] is not None
    volume = Path(user.instance_control.data).parent
    deployed.engine.stop("waqiti-test-user-instance", 0)
    for one in volume.iterdir():
        shutil.rmtree(one)
    operations(deployed, "restore", "user")
    operations(deployed, "restore", "user", "--swap", "--yes")
    assert rows(user) == ["before", "in the point", "later", "the last one"]
    assert operations(deployed, "backups", "check", "user")["services"]["user"]["sound"]


def test_a_killed_archive_comes_back_and_receives(deployed: DockerStack, user: Service) -> None:
    # Not by `docker kill`, which Docker takes for a person's stop and leaves at that.
    os.kill(int(deployed.container("user", "archive")["State"]["Pid"]), signal.SIGKILL)
    done = deployed.operations("backup", "user")
    assert done.returncode in (0, 51, 58)
    until(
        lambda: deployed.operations("backups", "check", "user").returncode == 0, "the archive is not back", 60
    )


def test_a_preview_after_a_restore_is_empty(deployed: DockerStack) -> None:
    assert deployed.stack.changes() == {}
