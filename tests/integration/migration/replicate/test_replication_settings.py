"""What is set for the roles at the ends of a subscription, and what was set before comes back."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from core.sessions.connections import Database
from core.sessions.settings import APPLYING
from migration.replicate.flow import Flow
from migration.replicate.settings import hold, let_go
from tests.support.absence import absent
from tests.support.clusters import SUPERUSER, Clusters
from tests.support.replicas import reachable
from tests.support.tables import tables_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

PAYMENTS = """
CREATE SCHEMA bank;
CREATE TABLE bank.fees (id int PRIMARY KEY, fee money, names text[]);
"""
ROWS = "SELECT id, fee::numeric, names[1] FROM bank.fees ORDER BY id"


def settings(database: Database) -> set[tuple[str, str]]:
    """What is set for roles in this database: role and setting."""
    with database.connect() as connection:
        rows = connection.execute(
            "SELECT setrole::regrole::text, setting FROM pg_db_role_setting s, unnest(setconfig) setting"
            " WHERE setrole <> 0 AND setdatabase = (SELECT oid FROM pg_database"
            " WHERE datname = current_database())"
        )
        return {(role, setting) for role, setting in rows}


@pytest.fixture
def publications(source_database: Database) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with source_database.connect() as connection:
        connection.execute("CREATE PUBLICATION one; CREATE PUBLICATION two")
        yield connection


def test_the_last_holder_of_a_role_puts_back_what_was_set_before(
    source_database: Database, publications: psycopg.Connection[tuple[object, ...]]
) -> None:
    role = SUPERUSER.name
    alter = sql.SQL("ALTER ROLE {} IN DATABASE {} SET lc_monetary = 'POSIX'")
    publications.execute(
        alter.format(sql.Identifier(role), sql.Identifier(source_database.endpoint.database))
    )
    hold(publications, "PUBLICATION", "one", role, APPLYING)
    hold(publications, "PUBLICATION", "two", role, APPLYING)
    let_go(publications, "PUBLICATION", "one")
    assert (role, "lc_monetary=C") in settings(source_database)
    let_go(publications, "PUBLICATION", "two")
    assert settings(source_database) == {(role, "lc_monetary=POSIX")}


def test_what_somebody_set_meanwhile_stays(
    source_database: Database, publications: psycopg.Connection[tuple[object, ...]]
) -> None:
    role = SUPERUSER.name
    hold(publications, "PUBLICATION", "one", role, APPLYING)
    alter = sql.SQL("ALTER ROLE {} IN DATABASE {} SET lc_monetary = 'POSIX'")
    publications.execute(
        alter.format(sql.Identifier(role), sql.Identifier(source_database.endpoint.database))
    )
    let_go(publications, "PUBLICATION", "one")
    assert settings(source_database) == {(role, "lc_monetary=POSIX")}


def foreign_locale(folder: Path) -> str:
    """A locale that writes amounts of money otherwise than C, made in `folder`."""
    localedef = shutil.which("localedef")
    name = "es_EC.UTF-8"
    made = localedef and subprocess.run(
        [localedef, "-i", "es_EC", "-f", "UTF-8", str(folder / name)], capture_output=True, check=False
    )
    if not made or not (folder / name).is_dir():
        absent("no localedef with the sources of es_EC")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    return name


def test_money_and_nulls_arrive_as_they_were_written_both_ways(
    clusters: Clusters, target_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(os.path.dirname(clusters.get("target", 17).server.data)) / "locales"
    folder.mkdir(exist_ok=True)
    locale = foreign_locale(folder)
    monkeypatch.setenv("LOCPATH", str(folder))
    with clusters.private("source", 17) as cluster:
        source = cluster.new_database()
        for database in (source, target_database):
            with database.connect() as connection:
                connection.execute(PAYMENTS)
        with source.connect() as connection:
            for setting in (f"lc_monetary = '{locale}'", "array_nulls = off", "xmloption = document"):
                connection.execute(f"ALTER DATABASE {source.endpoint.database} SET {setting}".encode())
        tables = tables_of(source, "bank")
        forward = Flow("bank", "forward", reachable(source, target_database), target_database)
        back = Flow("bank", "back", reachable(target_database, source), source)
        with forward, back:
            for flow, publisher, amount in ((forward, source, 1234.56), (back, target_database, 0.99)):
                flow.publish(tables)
                flow.make_slot()
                flow.subscribe(tables, enabled=True)
                with publisher.connect() as connection:
                    connection.execute(
                        "INSERT INTO bank.fees VALUES (%s, %s::numeric::money, ARRAY[NULL, 'x'])",
                        [int(amount), amount],
                    )
                flow.prove(30)
                if flow is forward:
                    flow.stop()
            found = []
            for database in (source, target_database):
                with database.connect() as connection:
                    found.append([tuple(map(str, row)) for row in connection.execute(ROWS)])
            back.drop()
            forward.drop()
        assert found[0] == found[1] == [("0", "0.99", "None"), ("1234", "1234.56", "None")]
        assert settings(source) == settings(target_database) == set()
