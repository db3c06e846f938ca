"""Logging in as a role of the contract, the way its clients do."""

from __future__ import annotations

from typing import Any

import psycopg

from components.contract import Endpoint, Login
from core.sessions.session import Connection


def connect(endpoint: Endpoint, login: Login, **changes: Any) -> Connection:
    """A connection in autocommit; `changes` are libpq's parameters, over those of the contract."""
    parameters: dict[str, Any] = {
        "host": endpoint.host,
        "hostaddr": endpoint.address,
        "port": endpoint.port,
        "dbname": endpoint.database,
        "user": login.name,
        "password": login.password.get_secret_value(),
        "sslmode": endpoint.sslmode,
        "sslrootcert": endpoint.sslrootcert,
        "connect_timeout": 10,
        **changes,
    }
    given = {key: value for key, value in parameters.items() if value is not None}
    return psycopg.connect(autocommit=True, prepare_threshold=None, **given)
