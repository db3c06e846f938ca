"""Values that a newer server takes and an older one does not: they stop the way back.

The plan announces them, with what keeps them out; the gate before a rollback looks for them in the service's
own database, and names their rows. docs/decisions/0154-values-that-cannot-go-back.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from psycopg import sql

from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.tables import TableName, display_name
from migration.examine.other_server import read_expressions
from migration.plan.model import Plan, Problem, ServicePlan

query = queries(__package__)

_SHOWN = 3
_NUMBERS = 16
"""The first version that reads 0x1F and 1_000 as numbers."""


@dataclass(frozen=True, slots=True)
class Newer:
    """What some type takes from a version on."""

    since: int
    """The first major version that does."""
    what: str
    takes: str
    """SQL that an older version's value always fulfils and such a value does not; `{}` is the value."""


KINDS: Mapping[str, Newer] = {
    "interval": Newer(17, "infinity", "pg_catalog.isfinite({})"),
    "ltree": Newer(
        16, "a label with a hyphen, or of more than 255 characters", "{}::pg_catalog.text !~ '-|[^.]{{256}}'"
    ),
    "lquery": Newer(16, "a label with a hyphen", "{}::pg_catalog.text !~ '-'"),
    "jsonpath": Newer(
        17,
        "methods like .bigint() and .string()",
        "{}::pg_catalog.text !~ '[.](bigint|boolean|date|decimal|integer|number|string|time|time_tz|timestamp"
        "|timestamp_tz)[(]'",
    ),
}
"""By the type's name. https://www.postgresql.org/docs/release/16.0/ and 17.0."""


@dataclass(frozen=True, slots=True)
class NewerColumn:
    """A column that may hold such values."""

    table: TableName
    oid: int
    name: str
    type: str
    array: bool
    """It holds several of them."""

    def __str__(self) -> str:
        return f"{self.table}.{display_name(self.name)}"

    @property
    def kind(self) -> Newer:
        """What its type takes."""
        return KINDS[self.type]

    def takes(self) -> sql.Composable:
        """SQL that is false of a row with such a value."""
        value = sql.Identifier(self.name)
        if not self.array:
            return sql.SQL(self.kind.takes).format(value)
        inside = sql.SQL(self.kind.takes).format(sql.SQL("one"))
        return sql.SQL("(SELECT pg_catalog.bool_and({}) FROM pg_catalog.unnest({}) one)").format(
            inside, value
        )

    def keeps_out(self) -> str | None:
        """The statement that keeps such values out; None where a check cannot."""
        if self.array:
            return None
        return (
            sql.SQL("ALTER TABLE {} ADD CHECK ({}) NOT VALID")
            .format(self.table.identifier(), self.takes())
            .as_string(None)
        )


def with_newer_values(plan: Plan, source: Database, versions: Mapping[str, int]) -> Plan:
    """The plan with a note for each type whose values could not all go back. `versions` are the major ones of
    the services' own servers. Raises the errors of `Database.translate`."""
    with (
        source.connect() as connection,
        source.translated("looking for types that take more in newer versions"),
    ):
        older = connection.info.server_version // 10_000
        services = {
            name: replace(
                own, problems=(*own.problems, *_notes(connection, own, older, versions.get(name, older)))
            )
            for name, own in plan.services.items()
        }
    return replace(plan, services=services)


def takes_more(older: int, newer: int) -> list[str]:
    """The types of which the major version `newer` takes values that `older` does not."""
    return [name for name, kind in KINDS.items() if older < kind.since <= newer]


def newer_columns(connection: Connection, tables: Sequence[int], older: int, newer: int) -> list[NewerColumn]:
    """The columns of tables (OIDs) that may hold what `newer` takes and `older` does not."""
    types = takes_more(older, newer)
    if not types or not tables:
        return []
    rows = connection.execute(query("newer_columns"), {"tables": list(tables), "types": types}).fetchall()
    return [
        NewerColumn(TableName(schema, table), oid, column, type_, array)
        for oid, schema, table, column, type_, array in rows
    ]


def _numbers(connection: Connection, own: ServicePlan) -> Iterator[Problem]:
    tables = {table.oid: table.name for table in own.relations}
    held = [one for one in read_expressions(connection, own) if one.reads_numbers]
    named = list(dict.fromkeys(f"{tables[one.table]}.{display_name(one.name)}" for one in held))
    if named:
        more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
        yield Problem(
            own.service,
            "data",
            "note",
            f"numbers are read out of texts by {', '.join(named[:_SHOWN])}{more}: PostgreSQL {_NUMBERS} and"
            " later take 0x1F and 1_000, which the shared database does not; once such a text is written"
            " after the cutover, the way back stops there",
        )


def _notes(connection: Connection, own: ServicePlan, older: int, newer: int) -> Iterator[Problem]:
    columns = newer_columns(connection, [table.oid for table in own.relations], older, newer)
    if older < _NUMBERS <= newer:
        yield from _numbers(connection, own)
    for type_ in KINDS:
        held = [column for column in columns if column.type == type_]
        if not held:
            continue
        more = f" and {len(held) - _SHOWN} more" if len(held) > _SHOWN else ""
        statements = [statement for column in held if (statement := column.keeps_out()) is not None]
        keeping = f"; to keep it out, in the shared database: {'; '.join(statements)}" if statements else ""
        yield Problem(
            own.service,
            "data",
            "note",
            f"{type_} in {', '.join(map(str, held[:_SHOWN]))}{more}: PostgreSQL {newer} takes"
            f" {KINDS[type_].what}, which {older} does not; once it is written after the cutover, the way"
            f" back stops there{keeping}",
        )
