"""What one statement names and whether it writes there, by PostgreSQL's own parser. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from core.postgres_parser import parser
from migration.parsing.names import json_nodes, names_in

Use = Literal["relation", "routine", "type"]

_WRITES = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
_RUN_TIME = _WRITES | frozenset({
    "SelectStmt", "CopyStmt", "CallStmt", "DoStmt", "TruncateStmt", "CreateTableAsStmt", "DeclareCursorStmt",
    "PrepareStmt", "ExplainStmt", "RefreshMatViewStmt",
})  # fmt: skip
"""Statements that applications run; DDL, LOCK and settings are a person's or a tool's."""


@dataclass(frozen=True, slots=True, order=True)
class Named:
    """A name in a statement; `schema` is None where it is left to the search_path."""

    schema: str | None
    name: str
    use: Use
    written: bool = False


def named_in(text: str) -> frozenset[Named] | None:
    """The names in a statement (or several); None if it is nothing that applications run at run time.

    A text that the parser refuses is read word by word: its qualified names count as relations. Never raises.
    """
    try:
        tree = json.loads(parser.parse_sql_json(text))
    except parser.ParseError:
        return frozenset(
            Named(use.schema, use.name, "relation") for use in names_in("plpgsql", text, text) if use.schema
        )
    statements = [kind for part in tree.get("stmts", ()) for kind in part.get("stmt", {})]
    if not _RUN_TIME.intersection(statements):
        return None
    return frozenset(_walk(tree))


def normalized(text: str) -> str:
    """The statement on one line, without comments, with `$n` for its values; a text that does not parse
    loses its literals."""
    try:
        text = _without_comments(parser.normalize(text))
    except parser.ParseError:
        text = _without_literals(text)
    return " ".join(text.split())


def _without_comments(text: str) -> str:
    for token in reversed(parser.scan(text)):
        if token.name in {"SQL_COMMENT", "C_COMMENT"}:
            text = f"{text[: token.start]} {text[token.end + 1 :]}"
    return text


def _without_literals(text: str) -> str:
    try:
        tokens = parser.scan(text)
    except parser.ParseError:
        return "(a text that cannot be read)"
    literals = {"SCONST", "ICONST", "FCONST", "BCONST", "XCONST", "USCONST"}
    comments = {"SQL_COMMENT", "C_COMMENT"}
    return " ".join(
        "?" if t.name in literals else text[t.start : t.end + 1] for t in tokens if t.name not in comments
    )


def _walk(tree: Any) -> Iterator[Named]:
    nodes = list(json_nodes(tree))
    local = {value.get("ctename") for node, value in nodes if node == "CommonTableExpr"}
    written = {id(value["relation"]) for node, value in nodes if node in _WRITES and "relation" in value}
    written |= {
        id(value["relation"])
        for node, value in nodes
        if node == "CopyStmt" and value.get("is_from") and "relation" in value
    }
    for node, value in nodes:
        if node == "TruncateStmt":
            written |= {id(item["RangeVar"]) for item in value["relations"]}
    for node, value in nodes:
        if not isinstance(value, dict):
            continue
        if node == "RangeVar" or (node == "relation" and "relname" in value):
            schema, name = value.get("schemaname"), value["relname"]
            if schema or name not in local:
                yield Named(schema, name, "relation", id(value) in written)
        elif node in {"FuncCall", "funccall"}:
            yield from _dotted(value.get("funcname", ()), "routine")
        elif node in {"TypeName", "typeName"}:
            yield from _dotted(value.get("names", ()), "type")
        elif node == "DoStmt":
            yield from _in_block(value)


def _dotted(parts: Any, use: Use) -> Iterator[Named]:
    words = [part["String"].get("sval", "") for part in parts if "String" in part]
    if len(words) > 1 and words[0] != "pg_catalog":
        yield Named(words[-2], words[-1], use)
    elif len(words) == 1 and use == "routine":
        yield Named(None, words[0], use)


def _in_block(value: dict[str, Any]) -> Iterator[Named]:
    for argument in value.get("args", ()):
        body = argument.get("DefElem", {}).get("arg", {}).get("String", {}).get("sval")
        if body:
            definition = f"DO LANGUAGE plpgsql $waqiti_block${body}$waqiti_block$"
            for use in names_in("plpgsql", body, definition):
                if use.schema is not None or use.use == "relation":
                    yield Named(use.schema, use.name, "relation")
