"""Tables that come as files are as they were at the slot's LSN, and nothing else comes with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.sessions.session import Connection
from migration.moves.meanwhile import COPIED
from migration.verify.model import Verification
from tests.support.by_files import CANARY, FilesScene, files_scene
from tests.support.clusters import Clusters
from tests.support.leftovers import leftovers
from tests.support.writer import Writer

pytestmark = pytest.mark.integration

SHAPES = (Path(__file__).parent / "shapes.sql").read_text("utf-8")
AS_FILES = ("long_values", "many_indexes", "parts_1", "parts_2", "with_domain", "users", "sessions")
COPIED_ALL_THE_SAME = ("narrowed", "widened", "moods", "composites")


def figures(scene: FilesScene) -> Any:
    """What the journal keeps of the step that brought the tables."""
    with scene.online() as online:
        move = online.state(scene.service)
        assert move is not None
        steps = online.runner.journal.steps(move)
    return next(one.figures for one in steps if one.step == COPIED and one.outcome == "done")


def verified(scene: FilesScene) -> Verification:
    """Every row of both sides, compared at one instant."""
    with scene.online() as online:
        return online.verify(scene.service, scene.plan)


@pytest.mark.parametrize("version", [15, 17, 18])
def test_a_service_comes_as_files_under_load_without_its_neighbours(
    tmp_path: Path, clusters: Clusters, version: int
) -> None:
    with files_scene(tmp_path, clusters, version, script=SHAPES) as scene:
        with Writer(scene.world.gated["user"].endpoint) as writer:
            with scene.online() as online:
                scene.start(online)
            copied = figures(scene)
            names = {row["table"].rpartition(".")[2] for row in copied["tables"]}
            assert names == {*COPIED_ALL_THE_SAME}, "the others came as files"
            assert copied["files"]["files"] > 2 * len(AS_FILES)
            assert verified(scene).equal
            assert scene.files_with(CANARY.encode()) == []
            assert not scene.places.folder.exists()
            with scene.world.target("user").connect() as own:
                _indexes_are_sound(scene, own)
            for verb in ("cutover", "rollback", "cutover"):
                with scene.online() as online:
                    getattr(online, verb)(scene.service, scene.plan)
            writer.wait_for_more()
            writer.assert_each_write_is_there_once()
            assert writer.failed == []
        scene.target.server.kill()
        scene.target.server.start()
        with scene.world.target("user").connect() as own:
            _indexes_are_sound(scene, own)


def _indexes_are_sound(scene: FilesScene, own: Connection) -> None:
    """By amcheck, every row's entry included; and the catalogue knows of no wraparound."""
    database = own.info.dbname
    with scene.target.database(database).connect() as session:
        session.execute("CREATE EXTENSION IF NOT EXISTS amcheck SCHEMA public")
        session.execute(
            "SELECT public.bt_index_check(i.indexrelid, true) FROM pg_index i"
            " JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam"
            " WHERE a.amname = 'btree' AND c.relkind = 'i' AND c.relpersistence = 'p'"
        )
        wrong = session.execute(
            "SELECT c.oid::regclass::text, h.* FROM pg_class c, LATERAL public.verify_heapam(c.oid) h"
            " WHERE c.relkind IN ('r', 'm') AND c.relpersistence = 'p'"
        ).fetchall()
        assert wrong == []
        session.execute("VACUUM (FREEZE)")
        session.execute("DROP EXTENSION amcheck")


def test_what_the_stack_made_is_as_it_was_and_an_abort_leaves_nothing(
    tmp_path: Path, clusters: Clusters
) -> None:
    told = (
        "SELECT json_build_array((SELECT json_agg(a ORDER BY rolname) FROM pg_authid a WHERE oid > 16383"
        # Any start gives the role of the way back a password and the database.
        " AND rolname !~ '_back$'),"
        " (SELECT json_agg(m ORDER BY roleid, member) FROM pg_auth_members m),"
        # What a start gives the roles that apply and copy, in this database alone, is no part of it.
        " (SELECT json_agg(s ORDER BY setrole) FROM pg_db_role_setting s WHERE setdatabase = 0),"
        " (SELECT json_agg(json_build_array(datname, datdba,"
        " (SELECT array_agg(one::text) FROM unnest(datacl) one WHERE one::text !~ '_back='), datallowconn)"
        " ORDER BY datname) FROM pg_database),"
        " (SELECT system_identifier::text FROM pg_control_system()))::text"
    )
    with files_scene(tmp_path, clusters, 17, script=SHAPES) as scene:
        configured = scene.target.server.configured(), scene.target.server.hba()
        with scene.target.database().connect() as session:
            before = json.loads(session.execute(told).fetchall()[0][0])
        with scene.online() as online:
            scene.start(online)
            with scene.target.database().connect() as session:
                for now, was in zip(json.loads(session.execute(told).fetchall()[0][0]), before, strict=True):
                    assert now == was
            assert (scene.target.server.configured(), scene.target.server.hba()) == configured
            online.abort(scene.service, scene.plan)
        assert leftovers(scene.world, "user") == []
        with scene.source.database().connect() as session:
            assert session.execute("SELECT slot_name FROM pg_replication_slots").fetchall() == []
