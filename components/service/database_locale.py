"""The locale of a service's database: given while there is no text in it, and never changed under one.

pulumi-postgresql knows the C library's locales only, and would replace a database, data and all, to give it
another. Why the catalogue's row is written, and why that is what CREATE DATABASE does itself, is in
docs/decisions/0070-locale.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, LiteralString

import psycopg
import pulumi
from psycopg import sql
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)
from pulumi.runtime.rpc import UNKNOWN

from components.contract import Endpoint
from components.locale import Locale, letters_alike, sort_alike
from components.provider_names import as_name
from components.service.administration import Connection, as_administrator, connection_properties
from servers.errors import ServerError

_PROBE = "waqiti_locale"
"""A database that is made to see whether the server has the locale, and is gone again."""
_PREVIEW_SECONDS = 3

_LOCALE: LiteralString = """
SELECT datlocprovider, datcollate, datctype,
       coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'), to_jsonb(d) ->> 'daticurules'
  FROM pg_database d WHERE datname = %s
"""
_HOLDS: LiteralString = """
SELECT count(*) OVER (), format('%I.%I', nspname, relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
 WHERE relkind IN ('r', 'p', 'm') AND c.oid >= 16384
   AND nspname <> 'waqiti_migration' AND nspname !~ '^pg_(toast|temp)'
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                             AND d.deptype = 'e')
 ORDER BY 2 LIMIT 1
"""
_COLUMNS = (
    "datlocprovider",
    "datcollate",
    "datctype",
    "datlocale",
    "daticulocale",
    "daticurules",
    "datcollversion",
)
"""All that CREATE DATABASE writes of a locale, in any version."""
_PROVIDERS: Mapping[str, str] = {"c": "libc", "b": "builtin", "i": "icu"}


class _Provider(ResourceProvider):
    serialize_as_secret_always = False

    def __reduce__(self) -> tuple[Any, ...]:
        return as_name(self)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuses, in the preview, another locale for a database that holds tables."""
        if _olds.get("locale") == news["locale"] or UNKNOWN in (news["password"], news["database"]):
            return CheckResult(news, [])
        try:
            refused = refusal(news)
        except psycopg.OperationalError:
            # Not made yet; or it does not run, which `up` will say, and change nothing.
            refused = None
        return CheckResult(news, [CheckFailure("locale", str(refused))] if refused else [])

    def create(self, props: dict[str, Any]) -> CreateResult:
        apply(props)
        return CreateResult(str(props["database"]), props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return DiffResult(
            changes=any(_olds.get(key) != _news.get(key) for key in {*_olds, *_news}),
            replaces=["database"] if _olds.get("database") != _news.get("database") else [],
            delete_before_replace=False,
        )

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        apply(_news)
        return UpdateResult(_news)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        with as_administrator(props) as connection:
            found = _read(connection, id_)
        if found is None:
            return ReadResult(None, {})
        wanted = Locale.model_validate(props["locale"])
        same = _alike(found, wanted)
        outputs = {**props, "locale": props["locale"] if same else found.model_dump()}
        return ReadResult(id_, outputs, outputs)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Nothing: it goes with the database."""


def refusal(props: Mapping[str, Any]) -> ServerError | None:
    """Why the database cannot get the locale that `props` wants, and what to do; None: it can, or has it.

    Raises psycopg.OperationalError when the server does not answer.
    """
    wanted, database = Locale.model_validate(props["locale"]), str(props["database"])
    with as_administrator(props, seconds=_PREVIEW_SECONDS) as connection:
        found = _read(connection, database)
    if found is None or _alike(found, wanted):
        return None
    with as_administrator(props, database, seconds=_PREVIEW_SECONDS) as connection:
        row = connection.execute(_HOLDS).fetchone()
    if row is None:
        return None
    return ServerError(
        f"has the locale {found} and holds {row[0]} tables (the first: {row[1]}), whose order and unique"
        f" indexes would be wrong under {wanted}; nothing was changed",
        where=f"database {database}",
        to_do=f"set `locale: {found.yaml}` again; or, before the service is cut over (after `python -m"
        " migration rollback --immediate` where it is), `python -m migration abort` it, which empties the"
        " database, and `pulumi up` with the new locale",
    )


def apply(props: Mapping[str, Any]) -> None:
    """Give the database the locale, unless it has it.

    Raises ServerError when it holds tables, or the server has no such locale.
    """
    refused = refusal(props)
    if refused is not None:
        raise refused
    wanted, database = Locale.model_validate(props["locale"]), str(props["database"])
    with as_administrator(props) as connection:
        found = _read(connection, database)
        if found is not None and _alike(found, wanted):
            return
        _create_probe(connection, wanted)
        try:
            _copy_row(connection, database)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(_PROBE)))
    with as_administrator(props, database) as connection:
        # Notes of `migration`, and what extensions keep: not much, and sorted as before.
        connection.execute(sql.SQL("REINDEX DATABASE {}").format(sql.Identifier(database)))


def _read(connection: Connection, database: str) -> Locale | None:
    row = connection.execute(_LOCALE, [database]).fetchone()
    if row is None:
        return None
    provider, collate, ctype, name, rules = row
    return Locale.model_validate(
        {
            "provider": _PROVIDERS[provider],
            "collate": collate,
            "ctype": ctype,
            "name": name if provider != "c" else None,
            "rules": rules,
        }
    )


def _alike(found: Locale, wanted: Locale) -> bool:
    return found.provider == wanted.provider and sort_alike(found, wanted) and letters_alike(found, wanted)


def _create_probe(connection: Connection, locale: Locale) -> None:
    options = [
        sql.SQL("LOCALE_PROVIDER {}").format(sql.Identifier(locale.provider)),
        sql.SQL("LC_COLLATE {}").format(sql.Literal(locale.collate)),
        sql.SQL("LC_CTYPE {}").format(sql.Literal(locale.ctype)),
    ]
    if locale.provider == "builtin":
        options.append(sql.SQL("BUILTIN_LOCALE {}").format(sql.Literal(locale.name)))
    if locale.provider == "icu":
        options.append(sql.SQL("ICU_LOCALE {}").format(sql.Literal(locale.name)))
    if locale.rules is not None:
        options.append(sql.SQL("ICU_RULES {}").format(sql.Literal(locale.rules)))
    name = sql.Identifier(_PROBE)
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(name))
    try:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' {}").format(
                name, sql.SQL(" ").join(options)
            )
        )
    except psycopg.Error as error:
        raise ServerError(
            f"cannot be {locale}: {error.diag.message_primary or error}",
            where="the database's locale",
            to_do="install it where the server runs, or choose another `locale` in services.yaml",
        ) from error


def _copy_row(connection: Connection, database: str) -> None:
    """What CREATE DATABASE noted of the probe's locale, into the row of `database`."""
    there = {
        row[0]
        for row in connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'pg_database'::regclass AND attnum > 0"
        )
    }
    columns = [sql.Identifier(name) for name in _COLUMNS if name in there]
    connection.execute(
        sql.SQL(
            "UPDATE pg_database d SET ({columns}) ="
            " (SELECT {columns} FROM pg_database WHERE datname = {probe}) WHERE d.datname = {database}"
        ).format(
            columns=sql.SQL(", ").join(columns), probe=sql.Literal(_PROBE), database=sql.Literal(database)
        )
    )


class DatabaseLocale(Resource, module="waqiti", name="DatabaseLocale"):
    """The locale of one database of an instance."""

    def __init__(
        self,
        name: str,
        locale: Locale,
        *,
        endpoint: Endpoint,
        administrator: str,
        administrator_password: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`endpoint` is the instance and the database, `administrator` its superuser."""
        props = {
            **connection_properties(endpoint, administrator, administrator_password),
            "database": endpoint.database,
            "locale": locale.model_dump(exclude_none=True),
        }
        super().__init__(_Provider(), name, props, opts)
