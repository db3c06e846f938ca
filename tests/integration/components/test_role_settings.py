"""RoleSettings on a real server: what it makes, finds changed, changes and takes back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import sql

from components.service.role_settings import _Provider
from tests.support.clusters import Cluster

pytestmark = pytest.mark.integration

ROLE = "waqiti_role_settings_test"


@pytest.fixture
def props(target_cluster: Cluster) -> Iterator[dict[str, Any]]:
    """What Pulumi would hand to the provider, for a role of the test's own."""
    superuser = target_cluster.database()
    role = sql.Identifier(ROLE)
    with superuser.connect() as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
    endpoint = superuser.endpoint
    yield {
        "host": endpoint.host,
        "address": endpoint.address,
        "port": endpoint.port,
        "sslmode": endpoint.sslmode,
        "sslrootcert": endpoint.sslrootcert,
        "administrator": superuser.login.name,
        "password": superuser.login.password.get_secret_value(),
        "role": ROLE,
        "settings": {"lock_timeout": "0", "default_transaction_isolation": "read committed"},
        "may_set": ["session_replication_role"],
    }
    with superuser.connect() as connection:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
            connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
            connection.execute(sql.SQL("DROP ROLE {}").format(role))


def in_force(cluster: Cluster) -> tuple[set[str], set[str]]:
    """The role's settings and the parameters it was granted, as the server has them."""
    with cluster.database().connect() as connection:
        settings = connection.execute(
            "SELECT unnest(setconfig) FROM pg_db_role_setting JOIN pg_roles r ON r.oid = setrole"
            " WHERE rolname = %s",
            [ROLE],
        ).fetchall()
        granted = connection.execute(
            "SELECT parname FROM pg_parameter_acl WHERE has_parameter_privilege(%s, parname, 'SET')", [ROLE]
        ).fetchall()
    return {row[0] for row in settings}, {row[0] for row in granted}


def test_settings_and_grants_are_made(target_cluster: Cluster, props: dict[str, Any]) -> None:
    assert _Provider().create(props).id == ROLE
    assert in_force(target_cluster) == (
        {"lock_timeout=0", "default_transaction_isolation=read committed"},
        {"session_replication_role"},
    )


def test_a_change_takes_back_what_is_no_longer_wanted(target_cluster: Cluster, props: dict[str, Any]) -> None:
    _Provider().create(props)
    wanted = {**props, "settings": {"lock_timeout": "1s"}, "may_set": []}
    assert _Provider().diff(ROLE, props, wanted).changes
    _Provider().update(ROLE, props, wanted)
    assert in_force(target_cluster) == ({"lock_timeout=1s"}, set())


def test_reading_right_after_making_finds_nothing_changed(
    target_cluster: Cluster, props: dict[str, Any]
) -> None:
    made = _Provider().create(props).outs
    assert made is not None
    found = _Provider().read(ROLE, made).outs
    assert found == made


def test_reading_finds_what_somebody_else_changed(target_cluster: Cluster, props: dict[str, Any]) -> None:
    _Provider().create(props)
    with target_cluster.database().connect() as connection:
        connection.execute(sql.SQL("ALTER ROLE {} SET lock_timeout TO '9s'").format(sql.Identifier(ROLE)))
    found = _Provider().read(ROLE, props).outs
    assert found is not None
    assert _Provider().diff(ROLE, found, props).changes


def test_a_setting_that_is_another_resources_is_left_alone(
    target_cluster: Cluster, props: dict[str, Any]
) -> None:
    with target_cluster.database().connect() as connection:
        connection.execute(sql.SQL("ALTER ROLE {} SET search_path TO a, b").format(sql.Identifier(ROLE)))
    _Provider().create(props)
    assert _Provider().read(ROLE, props).outs == props
    assert "search_path=a, b" in in_force(target_cluster)[0]


def test_deleting_takes_everything_back(target_cluster: Cluster, props: dict[str, Any]) -> None:
    _Provider().create(props)
    _Provider().delete(ROLE, props)
    assert in_force(target_cluster) == (set(), set())


def test_deleting_after_the_role_is_gone_is_no_error(target_cluster: Cluster, props: dict[str, Any]) -> None:
    with target_cluster.database().connect() as connection:
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(ROLE)))
    _Provider().delete(ROLE, props)


def test_the_password_is_not_in_the_error_when_the_server_is_away(props: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=r"[Cc]onnection refused") as raised:
        _Provider().create({**props, "port": 1})
    assert props["password"] not in str(raised.value)
