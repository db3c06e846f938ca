"""A login of a finished service on the shared database opens nothing, until a person opens it again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from components.contract import Login
from components.service.shared_login import make_login
from core.sessions.connections import Database
from core.sessions.session import Connection
from migration.finish.end_logins import end_login
from tests.support.gateways import drop_login, ensure_login, shared_login_props

pytestmark = pytest.mark.integration

APPLICATION = Login(name="closed_application", password=SecretStr("application-password-of-nothing"))


@pytest.fixture
def login(source_database: Database) -> Iterator[Login]:
    ensure_login(source_database, APPLICATION)
    login, props = shared_login_props(source_database, "closed", APPLICATION)
    assert make_login(props)
    yield login
    drop_login(source_database, login)


def session(shared: Database, login: Login) -> Connection:
    return psycopg.connect(replace(shared, login=login).conninfo(), autocommit=True)


def test_a_closed_login_opens_nothing_and_its_sessions_end(source_database: Database, login: Login) -> None:
    notes: list[str] = []
    with session(source_database, login) as old:
        for _ in range(2):
            assert end_login(source_database, login.name, notes.append)
        with pytest.raises(psycopg.OperationalError):
            old.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        session(source_database, login)
    assert notes == []


def test_an_up_leaves_it_closed_and_a_person_can_open_it_again(
    source_database: Database, login: Login
) -> None:
    _, props = shared_login_props(source_database, "closed", APPLICATION)
    end_login(source_database, login.name, print)
    assert make_login({**props, "role_password": "another-password-of-nothing"})
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        session(source_database, login)
    with source_database.connect() as connection:
        connection.execute(sql.SQL("ALTER ROLE {} LOGIN").format(sql.Identifier(login.name)))
    assert make_login(props)
    session(source_database, login).close()


def test_a_login_that_is_not_there_is_none_to_close(source_database: Database) -> None:
    assert not end_login(source_database, "nobody_at_all", print)


def test_who_may_not_close_it_is_told_what_a_superuser_runs(source_database: Database, login: Login) -> None:
    notes: list[str] = []
    limited = replace(source_database, login=login)
    assert not end_login(limited, login.name, notes.append)
    assert f'`ALTER ROLE "{login.name}" NOLOGIN`' in notes[0]
