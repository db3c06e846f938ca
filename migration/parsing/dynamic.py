"""Statements that a function puts together when it runs (`EXECUTE`): what they say, where that can be known.

`EXECUTE 'delete from a.b where id = $1'` says all there is to know, and so does a text that only values are
put into (`quote_literal`, `format('... %L')`). Where names or pieces of statements are put in, nobody can
tell from the catalogue what is reached: such a place is named, for a person to look at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.postgres_parser import parser

_UNPARSED = frozenset({"c", "internal", "sql"})
"""Languages whose functions put no statement together, as far as their text says."""
_VALUES = frozenset({"quote_literal", "quote_nullable"})
_PLACE = re.compile(r"%(?:(\d+)\$)?-?(?:\d+|\*)?([sIL%])")
_ENDS = frozenset({"USING", "INTO", "LOOP"})
"""What may follow the text of EXECUTE."""
_NOT_A_STATEMENT = frozenset({"FUNCTION", "PROCEDURE", "ON", ",", "ALL"})
"""What follows EXECUTE in CREATE TRIGGER and in GRANT."""


@dataclass(frozen=True, slots=True)
class DynamicStatement:
    """One place where a function runs a text."""

    expression: str
    """What is run, as the function's text has it."""
    text: str | None
    """The statement, with NULL for the values put in; None where it cannot be known."""


def dynamic_statements(language: str, body: str, definition: str) -> tuple[DynamicStatement, ...]:
    """The statements that a routine puts together at run time, in the order of its text.

    `body` is `pg_proc.prosrc`, `definition` the whole `CREATE FUNCTION`. A language other than SQL and
    PL/pgSQL is one such statement as a whole, because nothing here reads it. Never raises.
    """
    if language in _UNPARSED:
        return ()
    if language != "plpgsql":
        return (DynamicStatement(f"its text in {language}", None),)
    try:
        found = list(_parsed(json.loads(parser.parse_plpgsql_json(definition))))
    except (parser.ParseError, ValueError):
        found = list(_lexed(body))
    return tuple(DynamicStatement(expression, fixed_text(expression)) for expression in found)


def fixed_text(expression: str) -> str | None:
    """The text that an SQL expression always gives but for values, which become NULL; None if it varies."""
    try:
        tree = json.loads(parser.parse_sql_json(f"SELECT {expression}"))
        (target,) = tree["stmts"][0]["stmt"]["SelectStmt"]["targetList"]
    except (parser.ParseError, KeyError, ValueError):
        return None
    return _fixed(target["ResTarget"]["val"])


def _fixed(node: dict[str, Any]) -> str | None:
    (kind, value), *_ = node.items()
    if kind == "A_Const":
        return value["sval"].get("sval", "") if "sval" in value else None
    if kind == "TypeCast":
        return _fixed(value["arg"])
    operator = [part.get("String", {}).get("sval") for part in value["name"]] if kind == "A_Expr" else []
    # `|| x` is a prefix operator to the grammar.
    if operator == ["||"] and "lexpr" in value:
        left, right = _fixed(value["lexpr"]), _fixed(value["rexpr"])
        return None if left is None or right is None else left + right
    if kind == "FuncCall":
        name = value["funcname"][-1]["String"]["sval"]
        if name in _VALUES:
            return "NULL"
        if name == "format":
            return _formatted(value.get("args", []))
    return None


def _formatted(arguments: list[dict[str, Any]]) -> str | None:
    pattern = _fixed(arguments[0]) if arguments else None
    if pattern is None or any(place[1] in "sI" for place in _PLACE.findall(pattern)):
        return None
    return _PLACE.sub(lambda place: "%" if place[2] == "%" else "NULL", pattern)


def _parsed(tree: Any) -> Iterator[str]:
    """The expressions behind EXECUTE, in FOR, OPEN and RETURN QUERY too."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(reversed(node))
        elif isinstance(node, dict):
            for key, value in node.items():
                if key in {"PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors"}:
                    yield value["query"]["PLpgSQL_expr"]["query"]
                elif key in {"PLpgSQL_stmt_open", "PLpgSQL_stmt_return_query"} and "dynquery" in value:
                    yield value["dynquery"]["PLpgSQL_expr"]["query"]
            stack.extend(reversed(list(node.values())))


def _lexed(body: str) -> Iterator[str]:
    """The same by the lexer alone, for bodies that the parser refuses."""
    try:
        tokens = [
            (token.name, body[token.start : token.end + 1])
            for token in parser.scan(body)
            if token.name not in {"SQL_COMMENT", "C_COMMENT"}
        ]
    except parser.ParseError:
        if re.search(r"\bexecute\b", body, re.IGNORECASE):
            yield "a text that cannot be read"
        return
    for place, (_, text) in enumerate(tokens):
        following = tokens[place + 1][1].upper() if place + 1 < len(tokens) else ""
        if text.upper() == "EXECUTE" and following not in _NOT_A_STATEMENT:
            yield _expression(tokens[place + 1 :])


def _expression(tokens: list[tuple[str, str]]) -> str:
    """The tokens up to the end of the statement, or to what follows its text."""
    depth, taken = 0, []
    for _, text in tokens:
        depth += (text == "(") - (text == ")")
        if text == ";" or depth < 0 or (depth == 0 and text.upper() in _ENDS):
            break
        taken.append(text)
    return " ".join(taken)
