"""Databases of another locale than their server's, made as the stack makes them."""

from __future__ import annotations

from typing import Any

from components.locale import Locale
from components.service.database_locale import apply
from core.sessions.connections import Database
from servers import locales
from tests.support.absence import absent
from tests.support.clusters import Cluster

C_UTF8 = Locale.model_validate("C.UTF-8")
BUILTIN = Locale(provider="builtin", name="C.UTF-8")
GERMAN = Locale(provider="icu", name="de-AT")


def properties(database: Database, locale: Locale) -> dict[str, Any]:
    """What Pulumi would hand to DatabaseLocale, for a database as its superuser sees it."""
    endpoint = database.endpoint
    return {
        "host": endpoint.host,
        "address": endpoint.address,
        "port": endpoint.port,
        "sslmode": endpoint.sslmode,
        "sslrootcert": endpoint.sslrootcert,
        "administrator": database.login.name,
        "password": database.login.password.get_secret_value(),
        "database": endpoint.database,
        "locale": locale.model_dump(exclude_none=True),
    }


def give_locale(database: Database, locale: Locale, cluster: Cluster) -> None:
    """Give an empty database a locale; where this machine lacks it, the test is absent."""
    if locale.provider == "icu" and not locales.has_icu(cluster.server.binaries):
        absent(f"PostgreSQL {cluster.version} here is built without ICU")
    for name in locale.libraries:
        if not locales.codeset(name):
            absent(f"this machine's C library has no locale {name}")
    apply(properties(database, locale))
