"""How the two ends of a reference are read: which columns, written and ordered how, equal when. Pure SQL.

Values are streamed as text that says the same on both servers. Different texts may still be equal values
(`1.0` and `1.00`, a nondeterministic collation): what looks missing is asked for again with the referenced
column's own operator, so that writing values alike is a matter of speed, not of truth. The converse must
hold: the same text is the same value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from core.errors import MigrationError
from core.names import TableName
from core.references.foreign_keys import ForeignKey, parse_foreign_key
from core.references.keys import CrossingKey
from core.sessions.placeholders import Verbatim
from core.sessions.queries import queries, statements
from core.sessions.session import Connection

query = queries(__package__)
statement = statements(__package__)


_WHOLE = frozenset({"int2", "int4", "int8", "oid"})
_FLOAT = frozenset({"float4", "float8"})


@dataclass(frozen=True)
class End:
    """One column of an end, as its server describes it."""

    column: str
    type: str
    """The base type as SQL writes it, qualified."""
    type_name: str
    builtin: bool
    operator: tuple[str, str]
    """Schema and name of its equality."""
    partitioned: bool


@dataclass(frozen=True)
class Shape:
    """Both ends of a reference, column by column."""

    foreign: ForeignKey
    table: TableName
    referenced: TableName
    columns: tuple[tuple[End, End], ...]
    """Dependent and referenced."""
    encoded: bool
    """A server is not of UTF-8: values travel as the hexadecimal form of their UTF-8."""

    @property
    def whole_numbers(self) -> tuple[bool, ...]:
        """Which columns are ordered as numbers."""
        return tuple(_native(pair) and pair[0].type_name in _WHOLE for pair in self.columns)

    def values(self, columns: Sequence[bytes]) -> list[str]:
        """A line's columns as text."""
        plain = [
            bytes.fromhex(part.decode()) if self.encoded and not _native(pair) else part
            for part, pair in zip(columns, self.columns, strict=True)
        ]
        return [part.decode() for part in plain]

    def dependent_stream(self) -> sql.Composed:
        """COPY of the different values that the dependent rows refer with, sorted."""
        return self._stream(0)

    def referenced_stream(self) -> sql.Composed:
        """COPY of the referenced values, sorted; they are unique already."""
        return self._stream(1)

    @property
    def one_number(self) -> bool:
        """Whether a value is one whole number, so that it may be sent in words (`core.references.words`)."""
        return self.whole_numbers == (True,)

    def dependent_words(self) -> sql.Composed:
        """COPY of the numbers that the dependent rows refer with, in words."""
        return self._words(0)

    def referenced_words(self) -> sql.Composed:
        """COPY of the referenced numbers, in words."""
        return self._words(1)

    def span(self) -> sql.Composed:
        """How many referenced numbers there are, by the server's estimate, the first and the last."""
        return statement("span").format(
            column=_column(self.columns[0][1]), table=self._from(1), name=sql.Literal(str(self.referenced))
        )

    def count_rows(self) -> sql.Composed:
        """How many dependent rows have each of some values (see `parameters`)."""
        same = [
            sql.SQL("{} OPERATOR(pg_catalog.=) {}").format(
                _written(pair, 0), _cast(number, pair[0].type if _native(pair) else "text")
            )
            for number, pair in enumerate(self.columns)
        ]
        return statement("rows").format(
            values=self._given(), table=self._from(0), same=sql.SQL(" AND ").join(same)
        )

    def still_missing(self) -> sql.Composed:
        """Which of some values the referenced table has not, by its own operators."""
        same = [
            sql.SQL("{} OPERATOR({}.{}) {}").format(
                _column(theirs),
                sql.Identifier(theirs.operator[0]),
                Verbatim(theirs.operator[1]),
                _cast(number, (ours if ours.builtin and theirs.builtin else theirs).type),
            )
            for number, (ours, theirs) in enumerate(self.columns)
        ]
        return statement("missing").format(
            values=self._given(), table=self._from(1), same=sql.SQL(" AND ").join(same)
        )

    def parameters(self, values: Sequence[Sequence[str]]) -> list[list[str]]:
        """Some values as what `count_rows` and `still_missing` take; they number them from 1."""
        return [list(column) for column in zip(*values, strict=True)]

    def partly_null(self) -> sql.Composed | None:
        """Values of rows that MATCH FULL forbids, with their counts; None for other keys."""
        if not self.foreign.match_full or len(self.columns) == 1:
            return None
        ours = [_column(pair[0]) for pair in self.columns]
        return statement("partly_null").format(
            columns=sql.SQL(", ").join(sql.SQL("{}::text").format(column) for column in ours),
            table=self._from(0),
            present=_present(ours, " OR "),
            complete=_present(ours, " AND "),
            numbers=sql.SQL(", ").join(sql.Literal(number + 1) for number in range(len(ours))),
        )

    def _stream(self, end: int) -> sql.Composed:
        written = [self._sent(pair, end) for pair in self.columns]
        return statement("stream").format(
            distinct=sql.SQL("" if end else "DISTINCT"),
            columns=sql.SQL(", ").join(written),
            table=self._from(end),
            present=_present([_column(pair[end]) for pair in self.columns], " AND "),
            order=sql.SQL(", ").join(written),
        )

    def _words(self, end: int) -> sql.Composed:
        return statement("words").format(column=_column(self.columns[0][end]), table=self._from(end))

    def _sent(self, pair: tuple[End, End], end: int) -> sql.Composable:
        written = _written(pair, end)
        if self.encoded and not _native(pair):
            encode = "pg_catalog.encode(pg_catalog.convert_to({}, 'UTF8'), 'hex') COLLATE \"C\""
            return sql.SQL(encode).format(written)
        return written

    def _from(self, end: int) -> sql.Composable:
        name = (self.table, self.referenced)[end].identifier()
        # A key binds the rows of its own table, and those of its partitions.
        return name if self.columns[0][end].partitioned else sql.SQL("ONLY {}").format(name)

    def _given(self) -> sql.Composable:
        lists = sql.SQL(", ").join([sql.SQL("pg_catalog.unnest(%s::text[])")] * len(self.columns))
        names = sql.SQL(", ").join(_value(number) for number in range(len(self.columns)))
        return sql.SQL("ROWS FROM ({}) WITH ORDINALITY AS k ({}, number)").format(lists, names)


def read_shape(
    key: CrossingKey,
    dependent: Connection,
    referenced: Connection,
    renamed: Mapping[str, str] | None = None,
) -> Shape:
    """The shape of a reference, from the servers its two ends are on now.

    `renamed` has what a schema may be called there, by its name in the shared database.

    Raises MigrationError when one of its columns is not there any more, or for a key of periods.
    """
    if "PERIOD " in key.definition:
        raise MigrationError(
            f"{key} refers to periods of time, which are not compared across databases: check it by hand"
        )
    foreign = parse_foreign_key(key.definition.removesuffix(" NOT ENFORCED"))
    schema, name = foreign.referenced
    ours = _living(dependent, key.table, renamed or {})
    theirs = _living(referenced, TableName(schema, name), renamed or {})
    ends = tuple(
        zip(
            _ends(dependent, key, ours, foreign.columns),
            _ends(referenced, key, theirs, foreign.referenced_columns),
            strict=True,
        )
    )
    encodings = {
        connection.info.parameter_status("server_encoding") for connection in (dependent, referenced)
    }
    return Shape(foreign, ours, theirs, ends, encodings != {"UTF8"})


def _living(connection: Connection, table: TableName, renamed: Mapping[str, str]) -> TableName:
    """The table by the name that its schema has in this database."""
    new = renamed.get(table.schema)
    there = "SELECT pg_catalog.to_regclass(%s) IS NULL"
    if new is None or connection.execute(there, [str(table)]).fetchone() != (True,):
        return table
    return TableName(new, table.name)


def _ends(connection: Connection, key: CrossingKey, table: TableName, columns: Sequence[str]) -> list[End]:
    found = connection.execute(query("columns"), {"table": str(table), "columns": list(columns)}).fetchall()
    there = [row[0] for row in found]
    for column in columns:
        if column not in there:
            raise MigrationError(
                f"{table} has no column {column} any more in {connection.info.dbname}, so {key} cannot be "
                "checked; if the reference was given up on purpose, delete its row of the shared database's "
                "waqiti_migration.crossing_keys"
            )
    return [End(name, kind, short, b, (schema, op), p) for name, kind, short, b, schema, op, p in found]


def _native(pair: tuple[End, End]) -> bool:
    """Whether the type's own order is the order of what it is written as (as numbers, or byte by byte)."""
    names = {end.type_name for end in pair if end.builtin}
    return all(end.builtin for end in pair) and (names <= _WHOLE or names == {"uuid"})


def _written(pair: tuple[End, End], end: int) -> sql.Composable:
    """A column as it is streamed."""
    column = _column(pair[end])
    if _native(pair):
        return column
    names = {one.type_name for one in pair if one.builtin}
    text = sql.SQL("{}::text").format(column)
    if names & _FLOAT:
        text = sql.SQL("{}::double precision::text").format(column)
    elif "numeric" in names:
        text = sql.SQL("pg_catalog.trim_scale({}::numeric)::text").format(column)
    elif pair[1].type_name == "citext":
        text = sql.SQL("pg_catalog.lower({})").format(text)
    return sql.SQL('({} COLLATE "C")').format(text)


def _column(end: End) -> sql.Identifier:
    return sql.Identifier("t", end.column)


def _value(number: int) -> sql.Identifier:
    return sql.Identifier(f"v{number + 1}")


def _cast(number: int, kind: str) -> sql.Composable:
    # The type's name is the server's own, from format_type.
    return sql.SQL("k.{}::{}").format(_value(number), Verbatim(kind))


def _present(columns: Sequence[sql.Composable], joiner: str) -> sql.Composable:
    joined = sql.SQL(" AND ") if joiner == " AND " else sql.SQL(" OR ")
    return joined.join(sql.SQL("{} IS NOT NULL").format(column) for column in columns)
