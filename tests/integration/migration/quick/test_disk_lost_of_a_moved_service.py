"""A moved service's disk is lost under way and comes back from its own archive, by the demo's own steps."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql
from pydantic import SecretStr

from components.backup import files
from components.backup.entry import BackupEntry
from components.contract import BackupControl, Contract, LocalInstanceControl, Login
from core.sessions.connections import Database
from demo import safeguarding
from demo.environment.home import Home
from demo.stages import Stages
from operations.backup import catalogue
from operations.backup.archive import Archive
from tests.support.archives import NEVER, SLOT, grant_backup, until
from tests.support.clusters import Cluster, Clusters
from tests.support.folders import own_folder
from tests.support.moves import revealed, world
from tests.support.scenes import DURABLE, Scene
from tests.support.writer import Writer

pytestmark = pytest.mark.integration

ROLE = "waqiti_user_backup"


@pytest.fixture
def moved(tmp_path: Path, clusters: Clusters) -> Iterator[tuple[Scene, Archive]]:
    """The service `user`, moved, with an archive that its supervisor fills."""
    folder = own_folder()
    with (
        clusters.private("source", 17, DURABLE) as source,
        clusters.private("target", 17, DURABLE) as target,
        world(tmp_path, source, target, rows=300, services=("user",)) as made,
        Writer(made.gated["user"].endpoint) as writer,
    ):
        own = made.target("user")
        contract = backed_up(made.contract, target, own, folder / "archives" / "user")
        scene = Scene(replace(made, contract=contract), source, target, writer)
        control = contract.services["user"].backups
        assert control is not None
        files.start_supervisor(Path(control.folder))
        try:
            with target.database().connect() as connection:
                connection.execute("GRANT SET ON PARAMETER session_replication_role TO test_user_migration")
            with scene.online() as online:
                online.start(scene.service, scene.examined())
                online.cutover(scene.service, scene.plan)
            archive = Archive.of(control)
            until(lambda: catalogue.whole(catalogue.backups(archive)), "no first backup", 90)
            yield scene, archive
        finally:
            files.stop_supervisor(Path(control.folder))
    shutil.rmtree(folder, ignore_errors=True)


def backed_up(contract: Contract, target: Cluster, own: Database, archive: Path) -> Contract:
    """The same contract with backups of `user`, whose folder is laid out."""
    password = secrets.token_hex(8)
    superuser = target.database(own.endpoint.database)
    grant_backup(target, superuser, ROLE, password)
    with superuser.connect() as connection:
        name = sql.Identifier(own.endpoint.database)
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, sql.Identifier(ROLE)))
    control = BackupControl(
        service="user",
        folder=str(archive),
        slot=SLOT,
        binaries=str(target.server.binaries),
        policy=BackupEntry.model_validate(NEVER).policy,
    )
    files.write(control, own.endpoint, ROLE, password)
    service = contract.services["user"].model_copy(
        update={
            "backups": control,
            "backup": Login(name=ROLE, password=SecretStr(password)),
            "instance_control": LocalInstanceControl(
                binaries=str(target.server.binaries),
                data=str(target.server.data),
                sockets=str(target.server.sockets),
            ),
        }
    )
    return contract.model_copy(update={"services": {"user": service}})


def test_nothing_is_lost_and_the_shared_database_follows_again(
    moved: tuple[Scene, Archive], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, _archive = moved
    monkeypatch.setattr(safeguarding, "REHEARSED", "user")
    home = Home(tmp_path / "home")
    home.create()
    home.contract.touch(0o600)
    home.contract.write_text(json.dumps(revealed(scene.world.contract.model_dump())), encoding="utf-8")
    stages = Stages(as_json=True)
    scene.writer.wait_for_more(10)
    point = safeguarding.make_point(home, stages, as_json=True)
    assert point["rows"] > 300
    scene.writer.wait_for_more(10)
    with scene.writer.quiet():
        facts: dict[str, Any] = safeguarding.prove_and_recover(
            home, scene.world.contract, point["name"], stages, as_json=True
        )
    assert facts["proof"]["rows"] >= point["rows"]
    assert facts["lost"]["rows_differing"] == 0
    scene.writer.wait_for_more(5)
    scene.assert_sound()
    scene.assert_followed()
