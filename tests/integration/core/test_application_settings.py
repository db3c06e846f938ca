"""Applications that set nothing are shown values as before, or the plan says what to set."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from psycopg import sql

from core.sessions.connections import Database
from migration.examine.application_settings import Different, different_settings, with_settings
from migration.plan.model import Plan
from servers import locales
from tests.support.absence import absent
from tests.support.clusters import Cluster
from tests.support.moving import Split, split

pytestmark = [
    pytest.mark.integration,
    pytest.mark.parametrize("versions", [(17, 17)], indirect=True, ids=["17-to-17"]),
]


def planned(made: Split) -> Plan:
    service = made.contract.services["user"]
    common = made.contract.source.application.name
    found = {"user": different_settings(made.source, common, made.targets["user"], service.service.name)}
    return with_settings(made.plan(), [service], found)


def settings(plan: Plan) -> list[tuple[str, str]]:
    """Severity and line of each problem of a parameter."""
    return [
        (problem.severity, problem.line)
        for problem in plan.services["user"].problems
        if problem.kind == "setting" and problem.line
    ]


def alter(database: Database, superuser: Database, name: str, value: str) -> None:
    with superuser.connect() as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                sql.Identifier(database.endpoint.database), sql.Identifier(name), sql.Literal(value)
            )
        )


def test_what_a_session_begins_with_is_compared_by_what_it_does(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    if locales.codeset("C.UTF-8") is None:
        absent("this machine's C library has no locale C.UTF-8")
    with source_database.connect() as connection:
        connection.execute(
            "CREATE SCHEMA user_schema; CREATE TABLE user_schema.t (id int PRIMARY KEY, at timestamptz)"
        )
    with split(source_database, target_cluster, {"user": ()}, tmp_path) as made:
        assert settings(planned(made)) == []
        alter(made.source, made.source, "lc_numeric", "C.UTF-8")
        assert settings(planned(made)) == [], "another name for the same"
        alter(made.source, made.source, "TimeZone", "America/Guayaquil")
        alter(made.source, made.source, "DateStyle", "SQL, DMY")
        found = settings(planned(made))
        assert [severity for severity, _ in found] == ["note", "note"]
        for _, line in found:
            ((name, value),) = yaml.safe_load(line.removeprefix("services: user: parameters: ")).items()
            alter(made.superusers["user"], made.superusers["user"], name, value)
        assert settings(planned(made)) == []
        with made.source.connect() as connection:
            role = sql.Identifier(made.contract.source.application.name)
            begins = sql.SQL("ALTER ROLE {} IN DATABASE {} SET bytea_output = 'escape'")
            connection.execute(begins.format(role, sql.Identifier(made.source.endpoint.database)))
        line = "services: user: parameters: {bytea_output: 'escape'}"
        assert settings(planned(made)) == [("note", line)], "what is set for the role alone"


def test_what_objects_write_by_another_locale_is_refused(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    with source_database.connect() as connection:
        connection.execute(
            "CREATE SCHEMA user_schema; CREATE TABLE user_schema.t (id int PRIMARY KEY, a money)"
        )
    different = Different("lc_monetary", "de_DE.UTF-8", "C")
    line = "services: user: parameters: {lc_monetary: 'de_DE.UTF-8'}"
    with split(source_database, target_cluster, {"user": ()}, tmp_path) as made:
        service = made.contract.services["user"]
        assert settings(with_settings(made.plan(), [service], {"user": [different]})) == [("note", line)]
        with source_database.connect() as connection:
            connection.execute("CREATE VIEW user_schema.v AS SELECT to_char(id, 'L9D99') FROM user_schema.t")
        plan = with_settings(made.plan(), [service], {"user": [different]})
    assert settings(plan) == [("no-go", line)]
    assert "view user_schema.v is written by it" in plan.no_go[0].text
