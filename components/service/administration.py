"""The stack's own connection to an instance, for dynamic resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
import pulumi

from components.contract import Endpoint

Connection = psycopg.Connection[tuple[Any, ...]]


def connection_properties(
    endpoint: Endpoint, administrator: str, administrator_password: pulumi.Input[str]
) -> dict[str, Any]:
    """What `as_administrator` needs of a resource's properties; the password is a secret."""
    return {
        "host": endpoint.host,
        "address": endpoint.address,
        "port": endpoint.port,
        "sslmode": endpoint.sslmode,
        "sslrootcert": endpoint.sslrootcert,
        "administrator": administrator,
        "password": pulumi.Output.secret(administrator_password),
    }


_OURS = {
    "default_transaction_read_only": "off",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "statement_timeout": "0",
    "transaction_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
}
"""What somebody may have set for a whole server, database or role, and must not hold the stack up."""
_SET_OURS = """
SELECT pg_catalog.set_config(given.name, given.value, false)
  FROM unnest(%s::text[], %s::text[]) AS given (name, value)
 WHERE EXISTS (SELECT FROM pg_catalog.pg_settings s WHERE s.name = given.name)
"""


@contextmanager
def as_administrator(
    props: Mapping[str, Any], database: str = "postgres", seconds: int = 15
) -> Iterator[Connection]:
    """A connection to the instance, in autocommit. Raises psycopg.OperationalError after `seconds`."""
    parameters = {
        "host": props["host"],
        "hostaddr": props.get("address"),
        "port": int(props["port"]),
        "dbname": database,
        "user": props["administrator"],
        "password": props["password"],
        "sslmode": props["sslmode"],
        "sslrootcert": props.get("sslrootcert"),
        "connect_timeout": seconds,
        "application_name": "waqiti-stack",
    }
    given = {key: value for key, value in parameters.items() if value is not None}
    with psycopg.connect(autocommit=True, **given) as connection:
        connection.execute(_SET_OURS, [list(_OURS), list(_OURS.values())])
        yield connection
