"""Which relations, functions and types the body of a function names.

`pg_depend` knows nothing of a body that is stored as text, so it is read here: SQL with PostgreSQL's own
parser (pglast), PL/pgSQL with its own where that parser copes, and by the lexer where it does not (it
resolves no types of other schemas) and for every other language. Names inside string literals count too:
`EXECUTE 'delete from a.b'` and `nextval('a.s')` reach what they name. A name counts only if something of
that name exists; that is the caller's to decide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from core.postgres_parser import parser
from migration.parsing.dynamic import dynamic_statements

Use = Literal["relation", "routine", "type", "any"]

_DOTTED = re.compile(r"(?=\b(\w+)\.(\w+))")
"""Two words and a dot: all that can be told of a name in a language whose strings are not SQL's."""
_BEFORE_RELATION = frozenset({"FROM", "JOIN", "INTO", "UPDATE", "ONLY", "TABLE", "USING"})
_LEXEMES = re.compile(r'"[^"]+"|\w+|\S')
"""A poor man's lexer for what SQL's refuses (Python, Perl, unfinished quotes)."""
_DEPTH = 3
"""How deep strings within strings are read (dynamic SQL that makes dynamic SQL)."""


@dataclass(frozen=True, slots=True, order=True)
class NameUse:
    """A name that a body mentions; `schema` is None where it is left to the search_path."""

    schema: str | None
    name: str
    use: Use


def names_in(language: str, body: str, definition: str) -> frozenset[NameUse]:
    """The names that a routine's body mentions.

    `body` is `pg_proc.prosrc`, `definition` the whole `CREATE FUNCTION` (PL/pgSQL's parser wants it).
    Never raises for a body that does not parse: the lexer's view of it is given then.
    """
    found = set(qualified(body))
    if language == "sql":
        try:
            found.update(_in_statements(body))
        except parser.ParseError:
            found.update(_unqualified(body))
    elif language == "plpgsql":
        try:
            found.update(_in_plpgsql(definition))
        except (parser.ParseError, ValueError):
            found.update(_unqualified(body))
    else:
        found.update(NameUse(schema, name, "any") for schema, name in _DOTTED.findall(body))
    for statement in dynamic_statements(language, body, definition):
        if statement.text is not None:
            try:
                found.update(_in_statements(statement.text))
            except parser.ParseError:
                found.update(_unqualified(statement.text))
    return frozenset(found)


def _in_plpgsql(definition: str) -> Iterator[NameUse]:
    for node, value in json_nodes(json.loads(parser.parse_plpgsql_json(definition))):
        if node == "PLpgSQL_expr" and isinstance(value, dict) and "query" in value:
            query = value["query"]
            # The parser hands over assignments as `target := expression` and bare expressions as they are.
            for text in (query, f"SELECT {query}", f"SELECT {query.partition(':=')[2]}"):
                try:
                    yield from list(_in_statements(text))
                except parser.ParseError:
                    continue
                break
            else:
                yield from _unqualified(query)


def _in_statements(text: str) -> Iterator[NameUse]:
    tree = json.loads(parser.parse_sql_json(text))
    local = {value.get("ctename") for node, value in json_nodes(tree) if node == "CommonTableExpr"}
    for node, value in json_nodes(tree):
        if node == "RangeVar" or (node == "relation" and isinstance(value, dict) and "relname" in value):
            if value.get("schemaname") or value.get("relname") not in local:
                yield NameUse(value.get("schemaname"), value["relname"], "relation")
        elif node == "FuncCall":
            yield from _dotted(value.get("funcname", ()), "routine")
        elif node == "CallStmt":
            yield from _dotted(value.get("funccall", {}).get("funcname", ()), "routine")
        elif node in {"TypeName", "typeName"} and isinstance(value, dict):
            yield from _dotted(value.get("names", ()), "type")


def _dotted(parts: Iterable[dict[str, Any]], use: Use) -> Iterator[NameUse]:
    words = [part["String"].get("sval", "") for part in parts if "String" in part]
    if words and words[0] != "pg_catalog":
        yield NameUse(words[-2] if len(words) > 1 else None, words[-1], use)


def json_nodes(tree: Any) -> Iterator[tuple[str, Any]]:
    """Every (key, value) of a JSON tree, from the root down."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield from node.items()
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def tokens_of(text: str) -> list[tuple[str, str]]:
    """`(token, text)` of each token but comments."""
    try:
        scanned = parser.scan(text)
    except parser.ParseError:
        return [(word, word) for word in _LEXEMES.findall(text)]
    return [
        (token.name, text[token.start : token.end + 1])
        for token in scanned
        if token.name not in {"SQL_COMMENT", "C_COMMENT"}
    ]


def word_of(token: tuple[str, str]) -> str | None:
    """The identifier that a token is, folded; None if it is none."""
    name, text = token
    if text.startswith('"') and text.endswith('"') and len(text) > 2:
        return text[1:-1].replace('""', '"')
    plain = name == "IDENT" or (text.replace("_", "a").isalnum() and not text[0].isdigit())
    return text.lower() if plain else None


def qualified(text: str, depth: int = 0) -> Iterator[NameUse]:
    """Every `a.b` anywhere, also inside string literals."""
    tokens = tokens_of(text)
    for first, dot, second in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if dot[1] == ".":
            schema, name = word_of(first), word_of(second)
            if schema is not None and name is not None:
                yield NameUse(schema, name, "any")
    if depth < _DEPTH:
        for name, literal in tokens:
            if name == "SCONST":
                yield from qualified(inside_literal(literal), depth + 1)


def inside_literal(literal: str) -> str:
    """What a string constant says."""
    if literal.startswith("$"):
        tag = literal[: literal.index("$", 1) + 1]
        return literal.removeprefix(tag).removesuffix(tag)
    return literal[literal.index("'") + 1 : -1].replace("''", "'")


def _unqualified(text: str) -> Iterator[NameUse]:
    """Bare names where a relation stands (after FROM, JOIN, ...) or a call (before a parenthesis)."""
    tokens = [("", ""), *tokens_of(text), ("", "")]
    for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        word = word_of(token)
        if word is None or before[1] == "." or after[1] == ".":
            continue
        if before[1].upper() in _BEFORE_RELATION:
            yield NameUse(None, word, "relation")
        elif after[1] == "(":
            yield NameUse(None, word, "routine")
        elif after[1] == "%":
            yield NameUse(None, word, "relation")
