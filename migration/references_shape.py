"""Whether replicas are still made as the tables that they follow: DDL there is not replicated.

A new value of an enum, a domain's new check, a column's new type: where the replica does not have them, a row
that needs them stops it. What is compared is read from both catalogues; nothing is locked.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg import sql

from components.contract import Contract
from migration.connections import Database
from migration.queries import query
from migration.references_model import Connection, Link, read_links
from migration.stack import source_database, target_database

_PATIENCE_SECONDS = 3
_Shape = dict[tuple[str, str], list[str]]
"""By kind and name, what it is made of."""


@dataclass(frozen=True, slots=True)
class ShapeChange:
    """Something that a replica has otherwise than where it comes from."""

    said: str
    advice: str
    """What to do."""

    def __str__(self) -> str:
        return f"{self.said}: {self.advice}"


def changed_shapes(contract: Contract, source: Connection, dependent: str) -> tuple[ShapeChange, ...]:
    """All that a service's replicas have otherwise; `source` is a session on the shared database.

    Raises what connecting to the other two databases raises.
    """
    links = [link for link in read_links(source) if link.dependent == dependent]
    return tuple(change for link in links for change in _changes(contract, source, link))


def _changes(contract: Contract, source: Connection, link: Link) -> Sequence[ShapeChange]:
    there, here = link.publishing(contract), target_database(contract.services[link.dependent])
    with _session(contract, source, there) as connection:
        wanted = _read(connection, there, link)
    with contextlib.closing(here.connect(connect_timeout=_PATIENCE_SECONDS)) as connection:
        found = _read(connection, here, link)
    owner = contract.services[link.dependent].owner
    return [
        ShapeChange(
            f"replica of {link.referenced}: {kind} {name} is not what it is in {there.label}",
            _advice(
                kind, name, wanted.get((kind, name)), found.get((kind, name)), f"{here.label} (as {owner})"
            ),
        )
        for kind, name in sorted(wanted.keys() | found.keys())
        if wanted.get((kind, name)) != found.get((kind, name))
    ]


def _advice(kind: str, name: str, wanted: list[str] | None, found: list[str] | None, where: str) -> str:
    if kind == "enum" and wanted and found is not None:
        statement = next(_new_values(name, wanted, found), None)
        if statement is not None:
            return f"in {where} run {statement}"
    if kind in {"column", "key"}:
        return "undo that; `references` says whether the replica goes on, and how to fill it anew"
    return f"in {where} change it in the same way"


def _new_values(name: str, wanted: list[str], found: list[str]) -> Iterator[str]:
    """The statements that add what is missing, in order, where nothing else differs."""
    if [value for value in wanted if value in found] != found:
        return
    for position, value in enumerate(wanted):
        if value not in found:
            literal = sql.Literal(value).as_string(None)
            if position == 0:
                place = f" BEFORE {sql.Literal(wanted[1]).as_string(None)}" if len(wanted) > 1 else ""
            else:
                place = f" AFTER {sql.Literal(wanted[position - 1]).as_string(None)}"
            yield f"ALTER TYPE {name} ADD VALUE {literal}{place}"


@contextlib.contextmanager
def _session(contract: Contract, source: Connection, database: Database) -> Iterator[Connection]:
    if database == source_database(contract):
        yield source
        return
    with contextlib.closing(database.connect(connect_timeout=_PATIENCE_SECONDS)) as connection:
        yield connection


def _read(connection: Connection, database: Database, link: Link) -> _Shape:
    named = [(table.schema, table.name, column) for table, columns in link.tables for column in columns]
    schemas, tables, columns = (list(parts) for parts in zip(*named, strict=True))
    asked = {"schemas": schemas, "tables": tables, "columns": columns}
    with database.translated("reading what its replicas are made of"), connection.transaction():
        # Names are printed with their schemas then.
        connection.execute("SET LOCAL search_path = ''")
        return {
            (kind, name): parts for kind, name, parts in connection.execute(query("references_shape"), asked)
        }
