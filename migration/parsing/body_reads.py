"""Which columns of one table a routine or a rule reads, and whether it writes there. Pure.

Names are resolved as PostgreSQL does it, by the relations of the statement that they stand in and of those
around it. Where that does not tell (`SELECT *`, a row as a whole, a body that does not parse, a text that is
put together), all columns count as read; what nobody here can read at all (other languages) is said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.postgres_parser import parser
from migration.catalog.tables import TableName
from migration.parsing.dynamic import dynamic_statements
from migration.parsing.names import inside_literal, json_nodes, tokens_of, word_of
from migration.parsing.reads import Findings, read_statements

_TYPE_NAME = re.compile(r'(?:"(?:[^"]|"")+"|\w+)')
_WRITE = {"UPDATE": "UPDATE", "INTO": "INSERT", "TRUNCATE": "TRUNCATE", "LOCK": "LOCK TABLE"}
_LOCKING = re.compile(r"\bfor\s+(no\s+key\s+update|update|share|key\s+share)\b|\btruncate\b", re.IGNORECASE)
_READABLE = frozenset({"sql", "plpgsql"})


@dataclass(frozen=True, slots=True)
class Reads:
    """What a text needs of a table."""

    columns: frozenset[str] | None
    """The columns that it reads; None: all of them, or it cannot be told."""
    against: str = ""
    """Why a read-only copy does not do for it; empty when it does."""


def reads_of_routine(language: str, body: str, definition: str, found: Findings) -> Reads:
    """What a function or procedure needs of the table of `found`, which has nothing in it yet.

    `body` is `pg_proc.prosrc` (empty for `BEGIN ATOMIC`), `definition` the whole `CREATE FUNCTION`.
    """
    if language not in _READABLE:
        return Reads(None, f"its text in {language} cannot be read here, so nobody can tell what it does")
    try:
        # Its arguments, and the statements of BEGIN ATOMIC.
        read_statements(definition, found)
        if language == "sql" and body:
            read_statements(body, found)
        elif language == "plpgsql":
            _read_plpgsql(definition, found)
    except (parser.ParseError, ValueError):
        _by_words(body, found)
    texts = dynamic_statements(language, body, definition)
    for one in texts:
        if one.text is None:
            found.whole = True
            continue
        try:
            read_statements(one.text, found)
        except parser.ParseError:
            _by_words(one.text, found)
    run = "\n".join(one.expression for one in texts if one.text is not None)
    for literal in _literals(body):
        if literal not in run and _named_in(inside_literal(literal), found.table):
            _by_words(inside_literal(literal), found)
    return _verdict(found)


def reads_of_rule(definition: str, found: Findings) -> Reads:
    """The same for a rule, by its `CREATE RULE`."""
    try:
        read_statements(definition, found)
    except parser.ParseError:
        _by_words(definition, found)
    return _verdict(found)


def _verdict(found: Findings) -> Reads:
    against = f"it writes there ({', '.join(sorted(found.writes))})" if found.writes else ""
    return Reads(None if found.whole else frozenset(found.names), against)


def _read_plpgsql(definition: str, found: Findings) -> None:
    for node, value in json_nodes(json.loads(parser.parse_plpgsql_json(definition))):
        if node == "PLpgSQL_expr" and isinstance(value, dict) and "query" in value:
            _read_expression(value["query"], found)
        elif node == "PLpgSQL_type" and isinstance(value, dict):
            _read_type(value.get("typname", ""), found)


def _read_expression(query: str, found: Findings) -> None:
    # The parser hands over assignments as `target := expression` and bare expressions as they are.
    for text in (query, f"SELECT {query}", f"SELECT {query.partition(':=')[2]}"):
        try:
            read_statements(text, found)
        except parser.ParseError:
            continue
        return
    _by_words(query, found)


def _read_type(name: str, found: Findings) -> None:
    """The type of a variable: `a.b%ROWTYPE`, `a.b` or `a.b.column%TYPE`."""
    plain, _, suffix = name.partition("%")
    parts = [
        part[1:-1].replace('""', '"') if part.startswith('"') else part for part in _TYPE_NAME.findall(plain)
    ]
    if suffix.lower() == "type" and len(parts) > 1 and found.means(parts[:-1]):
        found.names.add(parts[-1])
    elif suffix.lower() != "type" and found.means(parts):
        found.whole = True


def _by_words(text: str, found: Findings) -> None:
    """What the lexer alone can tell of a text that names the table somewhere."""
    words = [(word_of(token) or token[1], token[1]) for token in tokens_of(text)]
    places = [n for n, (word, _) in enumerate(words) if word == found.table.name]
    if not places:
        return
    found.whole = True
    if _LOCKING.search(text):
        found.writes.add("its text does not parse here, and it may lock or empty the table")
    for place in places:
        before = [raw.upper() for _, raw in words[:place]]
        while before and (before[-1] in {".", "ONLY", "TABLE", found.table.schema.upper()}):
            before.pop()
        if not before:
            continue
        if before[-1] in _WRITE:
            found.writes.add(_WRITE[before[-1]])
        elif before[-2:] == ["DELETE", "FROM"]:
            found.writes.add("DELETE")


def _literals(text: str) -> Iterator[str]:
    for name, literal in tokens_of(text):
        if name == "SCONST":
            yield literal
            yield from _literals(inside_literal(literal))


def _named_in(text: str, table: TableName) -> bool:
    words = [word_of(token) or token[1] for token in tokens_of(text)]
    return any(
        words[n : n + 3] == [table.schema, ".", table.name]
        for n, word in enumerate(words)
        if word == table.schema
    )
