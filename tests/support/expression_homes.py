"""Every place that an expression can have in a schema, each as the DDL that puts one there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.support.expressions import COLUMNS, NEEDED, renamed

TABLES = f"""{NEEDED}
CREATE TABLE t (id int PRIMARY KEY, {", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())});
CREATE TABLE u (LIKE t INCLUDING INDEXES); CREATE TABLE made (LIKE t INCLUDING INDEXES);
CREATE TABLE given (LIKE t INCLUDING INDEXES);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
"""
"""What the homes stand on; in the schema that is first on the search_path."""


def _of(prefix: str) -> Mapping[str, str]:
    return {name: f"{prefix}.{name}" for name in COLUMNS}


_NEW, _ALIAS, _PLAIN = _of("new"), _of("e"), {name: name for name in COLUMNS}
_NOTHING = {name: f"NULL::{kind}" for name, kind in COLUMNS.items()}


@dataclass(frozen=True, eq=False)
class Home:
    """Where a condition can stand."""

    identity: str
    """Kind and identity of what it is a part of, in `user_schema`; `{n}` is a number."""
    make: str
    """The DDL; `{c}` is the condition."""
    unmake: str
    names: Mapping[str, str]
    """What the columns are called there."""
    remake: str | None = None
    """The DDL that puts another condition there, where it is not `unmake` and `make`."""

    def made(self, number: int, condition: str) -> str:
        """The DDL that puts a condition there."""
        return self._filled(self.make, number, renamed(condition, self.names))

    def changed(self, number: int, condition: str) -> str:
        """The DDL that puts another condition where one is."""
        remake = self.remake or f"{self.unmake}; {self.make}"
        return self._filled(remake, number, renamed(condition, self.names))

    def named(self, number: int) -> str:
        """What a difference calls it."""
        return self._filled(self.identity, number, "")

    @staticmethod
    def _filled(template: str, number: int, condition: str) -> str:
        return template.replace("{n}", str(number)).replace("{c}", condition)


HOMES = (
    Home(
        "constraint user_schema.t.ck{n}",
        "ALTER TABLE t ADD CONSTRAINT ck{n} CHECK ({c})",
        "ALTER TABLE t DROP CONSTRAINT ck{n}",
        _PLAIN,
    ),
    Home(
        "constraint user_schema.t.ex{n}",
        "ALTER TABLE t ADD CONSTRAINT ex{n} EXCLUDE (a WITH =) WHERE ({c})",
        "ALTER TABLE t DROP CONSTRAINT ex{n}",
        _PLAIN,
    ),
    Home(
        "index user_schema.ix{n}",
        'CREATE INDEX ix{n} ON t (a DESC, ({c}), lower(s) COLLATE "C") INCLUDE (b)',
        "DROP INDEX ix{n}",
        _PLAIN,
    ),
    Home(
        "index user_schema.ip{n}",
        "CREATE INDEX ip{n} ON t (a) WITH (fillfactor = 71) WHERE {c}",
        "DROP INDEX ip{n}",
        _PLAIN,
    ),
    Home(
        "statistics user_schema.st{n}",
        "CREATE STATISTICS st{n} ON a, ({c}) FROM t",
        "DROP STATISTICS st{n}",
        _PLAIN,
    ),
    Home(
        "policy user_schema.t.po{n}",
        "CREATE POLICY po{n} ON t USING (EXISTS (SELECT FROM u WHERE u.a = t.a AND ({c}))) WITH CHECK ({c})",
        "DROP POLICY po{n} ON t",
        _of("t"),
    ),
    Home(
        "trigger user_schema.t.tr{n}",
        "CREATE TRIGGER tr{n} AFTER UPDATE OF a ON t FOR EACH ROW WHEN ({c})"
        " EXECUTE FUNCTION stamp(' WHEN (x)')",
        "DROP TRIGGER tr{n} ON t",
        _NEW,
    ),
    Home(
        "rule user_schema.t.ru{n}",
        "CREATE RULE ru{n} AS ON UPDATE TO t WHERE {c} DO ALSO UPDATE u AS y SET o = ({c}), a = 3",
        "DROP RULE ru{n} ON t",
        _NEW,
    ),
    Home(
        "table user_schema.pa{n}",
        "CREATE TABLE pa{n} (LIKE t) PARTITION BY RANGE (a, ({c}), b)",
        "DROP TABLE pa{n}",
        _PLAIN,
    ),
    Home(
        "column user_schema.made.ge{n}",
        "ALTER TABLE made ADD COLUMN ge{n} boolean GENERATED ALWAYS AS ({c}) STORED",
        "",
        _PLAIN,
        "ALTER TABLE made ALTER COLUMN ge{n} SET EXPRESSION AS ({c})",
    ),
    Home(
        "column user_schema.given.de{n}",
        "ALTER TABLE given ADD COLUMN de{n} boolean DEFAULT ({c})",
        "",
        _NOTHING,
        "ALTER TABLE given ALTER COLUMN de{n} SET DEFAULT ({c})",
    ),
    Home(
        "domain user_schema.da{n}",
        "CREATE DOMAIN da{n} AS boolean DEFAULT ({c})",
        "DROP DOMAIN da{n}",
        _NOTHING,
    ),
    Home(
        "routine user_schema.fa{n}(boolean)",
        "CREATE FUNCTION fa{n}(x boolean DEFAULT ({c})) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP FUNCTION fa{n}",
        _NOTHING,
    ),
    Home(
        "routine user_schema.fr{n}(user_schema.t)",
        "CREATE FUNCTION fr{n}(e t) RETURNS boolean LANGUAGE sql RETURN ({c}) OR e.a < 7",
        "DROP FUNCTION fr{n}",
        _ALIAS,
    ),
    Home(
        "routine user_schema.fm{n}()",
        "CREATE PROCEDURE fm{n}() LANGUAGE sql BEGIN ATOMIC UPDATE t AS e SET o = ({c}), a = 3 WHERE {c};"
        " INSERT INTO u AS x (o) SELECT ({c}) FROM t AS e; END",
        "DROP PROCEDURE fm{n}",
        _ALIAS,
    ),
    Home(
        "view user_schema.vi{n}",
        "CREATE VIEW vi{n} AS SELECT t.a, ({c}) AS c FROM t WHERE {c}",
        "DROP VIEW vi{n}",
        _of("t"),
    ),
    Home(
        "materialized view user_schema.mv{n}",
        "CREATE MATERIALIZED VIEW mv{n} AS SELECT ({c}) AS c FROM t",
        "DROP MATERIALIZED VIEW mv{n}",
        _PLAIN,
    ),
)
OF_TEXT = Home(
    "constraint user_schema.dc{n}.right_",
    "CREATE DOMAIN dc{n} AS varchar(9) CONSTRAINT right_ CHECK ({c})",
    "DROP DOMAIN dc{n}",
    {"s": "VALUE"},
)
"""A domain's check: of conditions over `s` alone."""


Places = Mapping[tuple[int, Home], str]
"""The conditions in their homes, by number."""


def put(connection: psycopg.Connection[Any], conditions: Sequence[str], of_text: Sequence[str]) -> Places:
    """Put each condition wherever it can stand; returns those that the server takes."""
    places = [
        *((number, home, one) for number, one in enumerate(conditions) for home in HOMES),
        *((number, OF_TEXT, one) for number, one in enumerate(of_text)),
    ]
    return {
        (number, home): condition
        for number, home, condition in places
        if _taken(connection, home.made(number, condition))
    }


def change(
    connection: psycopg.Connection[Any],
    there: Places,
    other: Callable[[str], str],
) -> set[str]:
    """Put another condition into each place; returns what differences call those that the server takes."""
    return {
        home.named(number)
        for (number, home), condition in there.items()
        if _taken(connection, home.changed(number, other(condition)))
    }


def _taken(connection: psycopg.Connection[Any], statements: str) -> bool:
    with contextlib.suppress(psycopg.Error), connection.transaction():
        connection.execute(statements.encode())
        return True
    return False
