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
from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection
from core.sessions.stack import source_database, target_database
from migration.catalog.described import Described
from migration.catalog.quoting import with_quotes
from migration.fidelity.forms import really_different
from migration.fidelity.model import Difference
from migration.references.model import Link, read_links

query = queries(__package__)

_PATIENCE_SECONDS = 3
_CHECKS = 2
"""Where a domain's checks begin, after its type and collation."""
_NO_SQL = frozenset({"enum", "function", "key"})
"""What is made of labels, of a body, of bare names."""
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
        with here.translated("reading what its replicas are made of"):
            alike = {key for key in wanted.keys() & found.keys() if _alike(connection, key, wanted, found)}
    owner = contract.services[link.dependent].owner
    return [
        ShapeChange(
            f"replica of {link.referenced}: {kind} {name} is not what it is in {there.label}",
            _advice(
                kind, name, wanted.get((kind, name)), found.get((kind, name)), f"{here.label} (as {owner})"
            ),
        )
        for kind, name in sorted((wanted.keys() | found.keys()) - alike)
    ]


def _alike(connection: Connection, key: tuple[str, str], wanted: _Shape, found: _Shape) -> bool:
    """Whether both are of the same make: a domain's checks are compared as all that was parsed is. One that
    is NOT VALID binds what is written all the same."""
    kind, name = key
    here, there = ([part.removesuffix(" NOT VALID") for part in side[key]] for side in (wanted, found))
    if here == there or kind != "domain" or len(here) != len(there):
        return here == there
    if here[:_CHECKS] != there[:_CHECKS]:
        return False
    checks = [
        Difference("constraint", name, _check(name, ours), _check(name, theirs))
        for ours, theirs in zip(here[_CHECKS:], there[_CHECKS:], strict=True)
        if ours != theirs
    ]
    return not list(really_different(connection, checks))


def _check(domain: str, definition: str) -> Described:
    return Described((0, 0), domain, {"of": "domain", "definition": definition})


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
            (kind, with_quotes(name)): parts if kind in _NO_SQL else [with_quotes(part) for part in parts]
            for kind, name, parts in connection.execute(query("shape"), asked)
        }
