"""Whether a service's logins get in at another service's gateway or instance: each is tried at each."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

from components.contract import Contract, Endpoint, Login, Service

_AT_ONCE = 8
_SECONDS = 10


def try_each(contract: Contract) -> tuple[int, list[str]]:
    """How many were tried, and those that were let in, in a line each. Touches nothing."""
    tries = [
        (whose.name, login, other.name, where, endpoint)
        for whose in contract.services.values()
        for other in contract.services.values()
        if other.name != whose.name
        for login in _logins(whose)
        for where, endpoint in (("gateway", other.endpoint), ("instance", other.instance))
    ]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        outcomes = list(pool.map(lambda one: _outcome(one[4], one[1]), tries))
    return len(tries), [
        f"{login.name} of {whose} {found} at {other}'s {where}"
        for (whose, login, other, where, _), found in zip(tries, outcomes, strict=True)
        if found
    ]


def _logins(service: Service) -> Iterator[Login]:
    yield from (service.login, service.migration, service.monitoring, service.backup)
    if service.ddl is not None:
        yield service.ddl


def _outcome(endpoint: Endpoint, login: Login) -> str:
    """Empty: refused."""
    given: dict[str, Any] = {
        "host": endpoint.host,
        "hostaddr": endpoint.address,
        "port": endpoint.port,
        "dbname": endpoint.database,
        "user": login.name,
        "password": login.password.get_secret_value(),
        "sslmode": endpoint.sslmode,
        "sslrootcert": endpoint.sslrootcert,
        "connect_timeout": _SECONDS,
    }
    try:
        psycopg.connect(**{key: value for key, value in given.items() if value is not None}).close()
    except psycopg.OperationalError as error:
        # A server that is down proves nothing.
        said = str(error).strip().splitlines()[-1]
        return "" if any(word in said for word in _REFUSED) else f"could not be tried ({said})"
    return "gets in"


_REFUSED = (
    "rejects connection",
    "no pg_hba.conf entry",
    "password authentication failed",
    "login rejected",
    "no such user",
    "authentication failed",
)
"""What PostgreSQL and PgBouncer say to a login that is not let in."""
