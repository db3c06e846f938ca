"""What two servers make of the same characters, and whether one could have the other's locale: by asking.

A locale's name says little of what is a letter: `en_US.UTF-8` and `C.UTF-8` of one C library agree in all of
them, and `C.UTF-8` of the C library and of PostgreSQL differ in some. How text sorts cannot be tried out;
there names count (`components.locale.sort_alike`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import psycopg
from psycopg import sql

from components.locale import Locale, letters_alike, sort_alike
from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.objects import LocaleAspect

query = queries(__package__)


_LETTERS: tuple[LocaleAspect, ...] = ("case", "class", "search")


@dataclass
class LocaleProbe:
    """Compares locales of services' own databases with the shared one's, which is asked once."""

    source: Database
    locale: Locale
    """The shared database's."""

    def compare(self, connection: Connection, own: Locale) -> tuple[str, frozenset[LocaleAspect]]:
        """Why the server behind `connection` cannot have the shared database's locale (empty: it can), and in
        what the locale `own` of its database does the same."""
        alike: set[LocaleAspect] = {"order"} if sort_alike(self.locale, own) else set()
        if letters_alike(self.locale, own):
            alike.update(_LETTERS)
        else:
            here = dict(zip(_LETTERS, _digests(connection), strict=True))
            alike.update(aspect for aspect in _LETTERS if here[aspect] == self._there[aspect])
        lacks = "" if len(alike) > len(_LETTERS) else _lacks(connection, self.locale)
        return lacks, frozenset(alike)

    @cached_property
    def _there(self) -> dict[LocaleAspect, str]:
        with self.source.connect() as connection, self.source.translated("asking for its letters"):
            return dict(zip(_LETTERS, _digests(connection), strict=True))


def _digests(connection: Connection) -> tuple[str, ...]:
    row = connection.execute(query("locale_letters")).fetchone()
    assert row is not None  # noqa: S101 (aggregates have a row)
    return tuple(row)


def _lacks(connection: Connection, locale: Locale) -> str:
    """What the server says when it is given the locale; nothing is left of that."""
    wanted = [("icu" if locale.provider == "icu" else "builtin", locale.name or "")]
    if locale.provider == "libc":
        wanted = []
    wanted += [("libc", name) for name in locale.libraries if name not in {"C", "POSIX"}]
    for provider, name in wanted:
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(
                    sql.SQL("CREATE COLLATION pg_temp.waqiti_locale (provider = {}, locale = {})").format(
                        sql.Identifier(provider), sql.Literal(name)
                    )
                )
        except psycopg.Error as error:
            return str(error.diag.message_primary or error)
    return ""
