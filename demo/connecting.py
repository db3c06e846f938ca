"""How the demo reaches a database: one connection string from an endpoint and a login."""

from __future__ import annotations

from psycopg.conninfo import make_conninfo

from components.contract import Endpoint, Login


def conninfo(endpoint: Endpoint, login: Login, *, application: str = "waqiti-demo") -> str:
    """A libpq connection string, password included: never print it or put it into a command line."""
    optional = {"hostaddr": endpoint.address, "sslrootcert": endpoint.sslrootcert}
    return make_conninfo(
        host=endpoint.host,
        port=endpoint.port,
        dbname=endpoint.database,
        user=login.name,
        password=login.password.get_secret_value(),
        sslmode=endpoint.sslmode,
        application_name=application,
        connect_timeout=10,
        client_encoding="UTF8",
        gssencmode="disable",
        **{name: value for name, value in optional.items() if value},
    )
