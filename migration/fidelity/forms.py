"""Expressions and queries of two schemas in one normal form: read, and printed, by one server.

PostgreSQL prints what it has parsed, and reads that back as another tree: `s IN ('A', 'B')` over a varchar,
say, prints otherwise once a dump has carried it over. Versions print the same tree differently, too. So where
two texts differ, the target reads each of them in the place that it has (over its table's columns, with OLD
and NEW, as a domain's VALUE) and prints it; what is the same then means the same. That is done in temporary
objects, which are rolled back. docs/decisions/0066-one-normal-form.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import LiteralString

import psycopg

from core.sessions.session import Connection
from migration.catalog.described import Described
from migration.fidelity.model import Difference
from migration.parsing.readback import NAME, condition_of, readable

_ROUNDS = 3
"""How often a text is read and printed: what a dump carried over is one behind, twice carried over two."""
_PARSED = frozenset({"default", "using", "check", "definition", "partition key"})
_VIEWS = frozenset({"view", "materialized view"})
_PROBE = "pg_temp.fidelity_probe"
_ROUTINE = re.compile(rf"(CREATE OR REPLACE (?:FUNCTION|PROCEDURE) ){NAME}\.({NAME})(?=\()")
_RULE = re.compile(rf"(CREATE RULE {NAME} AS\s+ON \w+ TO )(?:{NAME}\.)?({NAME})")
_LAST = re.compile(rf"{NAME}$")

_UNDONE = "ROLLBACK TO form; RELEASE form"
_VIEW = "SELECT rtrim(pg_get_viewdef('pg_temp.fidelity_probe'::regclass), ';')"
_SPARE = "SELECT rtrim(pg_get_viewdef('pg_temp.fidelity_probe'::regclass, true), ';')"
"""With few brackets: so statistics are dumped, and `a OR (b OR c)` is one OR of three then."""
_FUNCTION = "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = pg_my_temp_schema()"
_PARTITIONED = "SELECT pg_get_partkeydef('pg_temp.fidelity_probe'::regclass)"
_OF_COPY = (
    "SELECT pg_get_ruledef(r.oid) FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class"
    " WHERE c.relnamespace = pg_my_temp_schema()"
)
_OF_DOMAIN = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'fidelity_probe'"


@dataclass(frozen=True, slots=True)
class _Form:
    """A text, and how a server is made to read and print it."""

    before: str
    """What creates something of the text begins so, and goes on with it."""
    text: str
    printed: LiteralString
    """The query for what the server has made of it."""
    around: tuple[str, ...] = ()
    """What stands beside it in the definition, and has to be the same to the letter."""


def really_different(connection: Connection, differences: Iterable[Difference]) -> Iterator[Difference]:
    """The differences that are left once the server of `connection`, the target's, has read both sides.

    Raises psycopg.OperationalError where it cannot be asked (a lock that does not come, say).
    """
    found = list(differences)
    if not found:
        return
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL lock_timeout = '10s'")
        # What stands in a string is compared as it is, and need not be right.
        connection.execute("SET LOCAL check_function_bodies = off")
        left = [_without_alike(connection, difference) for difference in found]
    yield from (difference for difference in left if difference is not None)


def _without_alike(connection: Connection, difference: Difference) -> Difference | None:
    """The difference without the properties that mean the same; None where nothing is left of it."""
    here, there = difference.source, difference.target
    if here is None or there is None:
        return difference
    same = {
        name: here.properties[name]
        for name in difference.changed
        if _alike(connection, _form(difference, name, here), _form(difference, name, there))
    }
    if not same:
        return difference
    less = replace(difference, target=replace(there, properties={**there.properties, **same}))
    return less if less.changed else None


def _alike(connection: Connection, ours: _Form | None, theirs: _Form | None) -> bool:
    """Whether the two print alike, after as many rounds as it takes."""
    if ours is None or theirs is None or ours.around != theirs.around:
        return False
    here, there = {ours.text}, {theirs.text}
    for _ in range(_ROUNDS):
        if here & there:
            return True
        ours, theirs = _again(connection, ours), _again(connection, theirs)
        if ours is None or theirs is None:
            return False
        here.add(ours.text)
        there.add(theirs.text)
    return bool(here & there)


def _again(connection: Connection, form: _Form) -> _Form | None:
    """The form read and printed once more; None where the server does not take it. One round trip."""
    made = f"SAVEPOINT form; {form.before}{readable(form.text)}; {form.printed}; {_UNDONE}"
    try:
        cursor = connection.execute(made.encode())
    except psycopg.OperationalError:
        raise
    except psycopg.Error:
        connection.execute(_UNDONE)
        return None
    while cursor.description is None and cursor.nextset():
        pass
    row = cursor.fetchone()
    return None if row is None else replace(form, text=_temporary(str(row[0])))


def _temporary(printed: str) -> str:
    """A routine's or a rule's definition as that of a temporary one; any other text as it is."""
    return _RULE.sub(r"\1pg_temp.\2", _ROUTINE.sub(r"\1pg_temp.\2", printed, count=1), count=1)


def _form(difference: Difference, name: str, side: Described) -> _Form | None:
    """How a property is read again; None where nothing of it was parsed."""
    text, kind = side.properties.get(name), difference.kind
    if text is None or name not in _PARSED or kind == "type":
        return None
    if name == "partition key":
        before = f"CREATE TABLE {_PROBE} (LIKE {difference.identity}) PARTITION BY "
        return _Form(before, text, _PARTITIONED)
    if name != "definition":
        return _view((text,), f" FROM {side.on}" if side.on else "")
    if kind in _VIEWS:
        return _Form(f"CREATE VIEW {_PROBE} AS ", text.rstrip(";"), _VIEW)
    if kind == "routine":
        return _Form("", _temporary(text), _FUNCTION)
    return _of_part(kind, side, text)


def _of_part(kind: str, side: Described, text: str) -> _Form | None:
    """The form of a definition of what belongs to a table or a domain."""
    on = side.on or ""
    if kind == "rule":
        return _Form(f"CREATE TABLE pg_temp.{_LAST.findall(on)[0]} (LIKE {on}); ", _temporary(text), _OF_COPY)
    if side.properties.get("of") == "domain":
        before = f"CREATE DOMAIN {_PROBE} AS {on}; ALTER DOMAIN {_PROBE} ADD CONSTRAINT fidelity_probe "
        return _Form(before, text, _OF_DOMAIN)
    if kind == "trigger":
        parts = condition_of(text)
        return None if parts is None else _view(parts[1:2], f" FROM {on} old, {on} new", (parts[0], parts[2]))
    around = _around(text, side.expressions)
    if around is None:
        return None
    form = _view(side.expressions, f" FROM {on}", around)
    return replace(form, printed=_SPARE) if kind == "statistics" else form


def _view(expressions: tuple[str, ...], scope: str, around: tuple[str, ...] = ()) -> _Form:
    """Expressions as the columns of a view: it takes no lock that a writer would wait for, and a whole row is
    of the table's own type in it."""
    columns = ", ".join(f"({text}) AS c{number}" for number, text in enumerate(expressions))
    return _Form(f"CREATE VIEW {_PROBE} AS ", f"SELECT {columns}{scope}", _VIEW, around)


def _around(definition: str, expressions: tuple[str, ...]) -> tuple[str, ...] | None:
    """What stands beside the expressions, from the last to the first: names come before them."""
    if not expressions:
        return None
    parts = []
    for text in reversed(expressions):
        definition, found, after = definition.rpartition(text)
        if not found:
            return None
        parts.append(after)
    return (*parts, definition)
