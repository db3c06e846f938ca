"""The demo's shared database on a test server: built once a session, cloned for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr

from components.contract import Contract, Login
from core.sessions.connections import Database
from demo.database import build_database
from demo.direct import direct_contract
from tests.support.clusters import SUPERUSER, Cluster

APPLICATION = Login(name="waqiti_app", password=SecretStr("application-of-the-tests"))
SCALE = 0.005
"""500 customers or so; a second to make."""

_templates: dict[int, str] = {}


@contextmanager
def demo_database(cluster: Cluster) -> Iterator[Database]:
    """A shared database of a test's own, as the superuser; dropped afterwards."""
    if id(cluster) not in _templates:
        made = cluster.new_database()
        build_database(made.endpoint, SUPERUSER, APPLICATION, scale=SCALE)
        _templates[id(cluster)] = made.endpoint.database
    database = cluster.new_database(template=_templates[id(cluster)])
    with database.connect() as connection:
        # CREATE DATABASE copies what is in a database, not its owner.
        connection.execute("ALTER SCHEMA public OWNER TO waqiti_app")
    yield database
    cluster.drop_database(database)


def demo_contract(database: Database) -> Contract:
    """A contract whose endpoints all lead to `database` as the application."""
    return direct_contract(database.endpoint, SUPERUSER, APPLICATION)
