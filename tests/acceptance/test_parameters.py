"""Whatever is set for applications, on the server, the database or a role: a move is the same."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import pytest
from psycopg import sql

from core.sessions.connections import Database
from tests.support.case_files import read_case
from tests.support.case_runs import Run
from tests.support.clusters import Cluster, Clusters
from tests.support.moves import APPLICATION, World, world
from tests.support.other_settings import FOR_APPLICATIONS, parameters
from tests.support.versions import DEFAULT_VERSIONS

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]

Level = Literal["server", "database", "role"]
SCRIPT = (Path(__file__).parents[1] / "support" / "values_of_settings.sql").read_text()


@contextlib.contextmanager
def laid(
    level: Level, made: World, clusters: tuple[Cluster, Cluster], values: Mapping[str, str]
) -> Iterator[None]:
    """Set them at both ends, as long as the context lasts; applications' roles keep what they need."""
    service = made.contract.services["user"]
    ends = (
        (clusters[0], made.source.endpoint.database, made.source.login.name, APPLICATION.name),
        (clusters[1], service.instance.database, service.migration.name, service.service.name),
    )
    with contextlib.ExitStack() as undo:
        for cluster, name, role, application in ends:
            database = cluster.database(name)
            if level == "server":
                undo.callback(run, cluster.database(), ["ALTER SYSTEM RESET ALL", "SELECT pg_reload_conf()"])
            prefix: sql.Composable = {
                "server": sql.SQL("ALTER SYSTEM"),
                "database": sql.SQL("ALTER DATABASE {}").format(sql.Identifier(name)),
                "role": sql.SQL("ALTER ROLE {} IN DATABASE {}").format(
                    sql.Identifier(role), sql.Identifier(name)
                ),
            }[level]
            own = sql.SQL("ALTER ROLE {} IN DATABASE {}").format(
                sql.Identifier(application), sql.Identifier(name)
            )
            run(
                database, [setting(own, FOR_APPLICATIONS), setting(prefix, values), "SELECT pg_reload_conf()"]
            )
        yield


def setting(prefix: sql.Composable, values: Mapping[str, str]) -> sql.Composed:
    """Statements, one a parameter; a list of values stays one."""
    one = sql.SQL("{} SET {} = {}")
    return sql.SQL(";").join(
        one.format(
            prefix, sql.Identifier(name), sql.SQL(", ").join(sql.Literal(part) for part in value.split(", "))
        )
        for name, value in values.items()
    )


def run(database: Database, statements: list[sql.Composed | str]) -> None:
    """As a superuser; ALTER SYSTEM goes alone."""
    with database.connect() as connection:
        for statement in statements:
            text = statement if isinstance(statement, str) else statement.as_string(connection)
            for part in text.split(";"):
                connection.execute(part.encode())


def move(level: Level, values: Mapping[str, str], clusters: Clusters, folder: Path) -> None:
    """There, back, and there again under a writer, every value compared."""
    file = folder / "parameters.sql"
    file.write_text("-- @writer\nSELECT user_schema.write($N)\n")
    both = clusters.get("source", 17), clusters.get("target", DEFAULT_VERSIONS[1])
    script = (
        f"CREATE SCHEMA user_schema; GRANT USAGE, CREATE ON SCHEMA user_schema TO {APPLICATION.name};"
        " ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO"
        f" {APPLICATION.name};" + SCRIPT
    )
    with (
        world(folder, *both, services=("user",), script=script, crossing=()) as made,
        laid(level, made, both, values),
    ):
        Run(read_case(file), made, both[0]).all()


def others(clusters: Clusters) -> dict[str, str]:
    """Each parameter's other value."""
    with clusters.get("source", 17).database().connect() as connection:
        return {parameter.name: parameter.other() for parameter in parameters(connection)}


@pytest.mark.parametrize("level", ["server", "database", "role"])
def test_no_parameter_changes_what_a_move_does(level: Level, clusters: Clusters, tmp_path: Path) -> None:
    move(level, others(clusters), clusters, tmp_path)


@pytest.mark.skipif(not os.environ.get("WAQITI_ALL_FAULTS"), reason="an hour: set WAQITI_ALL_FAULTS")
@pytest.mark.timeout(14400)
def test_no_parameter_alone_changes_what_a_move_does(clusters: Clusters, tmp_path: Path) -> None:
    failures = {}
    for name, value in others(clusters).items():
        folder = tmp_path / name
        folder.mkdir()
        try:
            move("database", {name: value}, clusters, folder)
        except AssertionError as error:
            failures[name] = str(error)
    assert failures == {}
