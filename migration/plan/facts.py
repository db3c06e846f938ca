"""What the plan has to know of a service's own database, read from it."""

from __future__ import annotations

import psycopg

from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.read import server_of
from migration.plan.builds import spelled_locales
from migration.plan.locale_probe import LocaleProbe
from migration.plan.model import TargetFacts

catalog_query = queries("migration.catalog")


def read_target(target: Database, probe: LocaleProbe | None = None) -> TargetFacts:
    """What the plan has to know of a service's own database; with a `probe` also what its locale does as the
    shared one's."""
    with target.connect() as connection, target.translated("reading its version and extensions"):
        row = connection.execute(catalog_query("server")).fetchone()
        available: dict[str, bool] = dict(
            connection.execute(
                "SELECT name, bool_or(trusted OR NOT superuser) FROM pg_available_extension_versions"
                " GROUP BY name"
            ).fetchall()
        )
        installed: dict[str, str] = dict(
            connection.execute(
                "SELECT extname, nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace"
            ).fetchall()
        )
        versions: dict[str, str] = dict(
            connection.execute(
                "SELECT name, coalesce(installed_version, default_version) FROM pg_available_extensions"
            ).fetchall()
        )
        collations = connection.execute(
            "SELECT collname FROM pg_collation WHERE collnamespace = 'pg_catalog'::regnamespace"
        ).fetchall()
        locales = connection.execute(
            "SELECT collcollate FROM pg_collation WHERE collprovider = 'c' AND collcollate <> ''"
            " UNION SELECT datcollate FROM pg_database UNION SELECT datctype FROM pg_database"
        ).fetchall()
        compressions = connection.execute(
            "SELECT unnest(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"
        ).fetchall()
        bypassing = connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolsuper OR rolbypassrls"
        ).fetchall()
        xml = _has_xml(connection)
        assert row is not None  # noqa: S101 (the current database has a row)
        server = server_of(row)
        lacks, alike = probe.compare(connection, server.locale) if probe is not None else ("", None)
    names = frozenset(name for (name,) in collations)
    return TargetFacts(
        server.version_number,
        server.encoding,
        server.locale,
        available,
        installed,
        versions,
        names,
        locales=spelled_locales(name for (name,) in locales),
        compressions=frozenset(name for (name,) in compressions),
        # `unicode` is there in any build from PostgreSQL 16 on; these are initdb's, of a build with ICU.
        icu="und-x-icu" in names,
        xml=xml,
        bypassing=frozenset(name for (name,) in bypassing),
        collation_version=server.collation_version,
        text_search=server.text_search,
        lacks_locale=lacks,
        alike=alike,
    )


def _has_xml(connection: Connection) -> bool:
    """Whether the server is built with libxml: nothing but a value tells."""
    try:
        connection.execute("SELECT '<a/>'::xml")
    except psycopg.errors.FeatureNotSupported:
        return False
    return True
