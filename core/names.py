"""Names of what is in a database: as SQL takes them, and as a person reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from psycopg import sql

_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
_PART = r'([a-z_][a-z0-9_$]*|"(?:[^"]|"")*")'
_PARTS = re.compile(rf"{_PART}\.{_PART}", re.DOTALL)


def _unquoted(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part


def display_name(*parts: str) -> str:
    """The dotted name as a person reads it, quoted only where SQL would need it."""
    return ".".join(part if _PLAIN.fullmatch(part) else '"' + part.replace('"', '""') + '"' for part in parts)


@dataclass(frozen=True, order=True, slots=True)
class TableName:
    """A relation's schema and name, unquoted, as they stand in `pg_class`."""

    schema: str
    name: str

    def identifier(self) -> sql.Identifier:
        """The quoted, schema-qualified name for `psycopg.sql` composition."""
        return sql.Identifier(self.schema, self.name)

    def __str__(self) -> str:
        return display_name(self.schema, self.name)

    @classmethod
    def parse(cls, text: str) -> TableName:
        """What `str` made. Raises ValueError for anything else."""
        parts = _PARTS.fullmatch(text)
        if parts is None:
            raise ValueError(f"{text!r} is no name of a table with its schema")
        return cls(*(_unquoted(part) for part in parts.groups()))


@dataclass(frozen=True, order=True, slots=True)
class SequenceName(TableName):
    """The name of a sequence; a type of its own so that tables and sequences do not get mixed up."""
