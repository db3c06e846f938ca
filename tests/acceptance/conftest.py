"""A shared database and a deployed stack of two services, once a session."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from psycopg import sql

from components.catalogue.read import read_catalogue
from servers import ports
from tests.acceptance.stack import Stack, stack_that_is_up
from tests.support.clusters import Cluster, Clusters
from tests.support.places import REPOSITORY

SERVICES = ("user", "wallet")
APPLICATION = "waqiti_app_of_a_stack"
"""Not the demo's name: its tests make that role on the same server, with another password."""
APPLICATION_PASSWORD = "application-password-of-nothing"
INSTANCE_PORT_OFFSET = 50


@pytest.fixture(scope="session")
def shared_source(clusters: Clusters) -> Cluster:
    """A PostgreSQL with the database `waqiti`: a schema and a small table for each service."""
    cluster = clusters.get("source", 17)
    with cluster.database().connect() as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                sql.Identifier(APPLICATION), sql.Literal(APPLICATION_PASSWORD)
            )
        )
    _make_shared(cluster, "waqiti")
    return cluster


def _make_shared(cluster: Cluster, name: str) -> None:
    with cluster.database().connect() as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(APPLICATION))
        )
    with cluster.database(name).connect() as connection:
        for service in SERVICES:
            schema = sql.Identifier(f"{service}_schema")
            connection.execute(
                sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(schema, sql.Identifier(APPLICATION))
            )
            connection.execute(sql.SQL("CREATE TABLE {}.whose AS SELECT 'shared' AS side").format(schema))
            connection.execute(
                sql.SQL("ALTER TABLE {}.whose OWNER TO {}").format(schema, sql.Identifier(APPLICATION))
            )


@pytest.fixture(scope="session")
def settings(shared_source: Cluster) -> dict[str, Any]:
    """Configuration of a stack of two services at ports that are free."""
    endpoint = shared_source.database("waqiti").endpoint
    return {
        "scale": "0.1",
        "services": list(SERVICES),
        "portOffset": free_offset(),
        "instancePortOffset": INSTANCE_PORT_OFFSET,
        "keepData": False,
        "takenOver": "all",
        "protectData": False,
        "source": {
            "host": endpoint.host,
            "address": endpoint.address,
            "port": endpoint.port,
            "database": endpoint.database,
            "sslmode": endpoint.sslmode,
            **({"sslrootcert": endpoint.sslrootcert} if endpoint.sslrootcert else {}),
            "administrator": {"name": shared_source.database().login.name},
            "application": {"name": APPLICATION},
        },
    }


@pytest.fixture(scope="session")
def variables(shared_source: Cluster) -> dict[str, str]:
    """The passwords of the shared database."""
    return {
        "SOURCE_DB_ADMIN_PASSWORD": shared_source.database().login.password.get_secret_value(),
        "SOURCE_DB_PASSWORD": APPLICATION_PASSWORD,
    }


@pytest.fixture(scope="session")
def deployed(settings: dict[str, Any], variables: dict[str, str]) -> Iterator[Stack]:
    """A stack of two services that is up; a test that changes it changes it back."""
    with stack_that_is_up(settings, variables) as stack:
        yield stack


@pytest.fixture(scope="module")
def settings_beside(settings: dict[str, Any], shared_source: Cluster) -> dict[str, Any]:
    """For a stack beside `deployed`: with ports and a shared database of its own. Logins there go
    by the database's name: of one that two stacks have, the second would change the first one's passwords."""
    name = f"waqiti_{uuid4().hex[:8]}"
    _make_shared(shared_source, name)
    return {
        **settings,
        "portOffset": free_offset(),
        "source": {**settings["source"], "database": name},
    }


def free_offset() -> int:
    """An offset at which every port of the catalogue is free."""
    catalogue = read_catalogue(REPOSITORY / "services.yaml")
    endpoints = [entry.endpoint.port for entry in catalogue.services.values()]
    for _ in range(100):
        offset = random.randrange(20000, 50000)
        wanted = [port + offset + extra for port in endpoints for extra in (0, INSTANCE_PORT_OFFSET)]
        if not any(ports.is_taken(port) for port in wanted):
            return offset
    raise AssertionError("no free ports")
