"""Queries that a materialized view hands to a function as text: their tables are named with a schema.

`ts_stat('SELECT words FROM documents')` is stored as the text that it is, and PostgreSQL 17 refreshes a view
without a search_path, so that it fails there whatever the service's path is. A function of somebody's could
bring its own; the server's cannot. So in the own database, and there alone, the text names the schema that
the path would find: the view means the same, and can be refreshed. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.postgres_parser import parser
from migration.catalog.objects import PG_CLASS, CatalogObject
from migration.catalog.tables import display_name
from migration.parsing.names import inside_literal, json_nodes

Relations = Mapping[tuple[str, str], Sequence[CatalogObject]]
"""Objects by schema and name, as `Catalog.by_name` has them."""
SAFE_SEARCH_PATH = 17
"""From this version on, index builds, ANALYZE and REFRESH run with pg_catalog alone on the search_path."""
_RUN_TEXTS = frozenset({
    "ts_stat", "query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "crosstab", "crosstab2",
    "crosstab3", "crosstab4", "ts_rewrite",
})  # fmt: skip
"""Functions of the server, and of tablefunc, that run a text as a query."""


def with_schemas(statement: str, path: Sequence[str], relations: Relations) -> str:
    """The statement (a view, or its query) with such texts naming what the path finds.

    It stays as it is where they name nothing of it, or do not parse.
    """
    if not any(name in statement for name in _RUN_TEXTS):
        return statement
    try:
        places = set(_texts(statement))
    except parser.ParseError:
        return statement
    for begin, end, literal in sorted(_literals(statement, places), reverse=True):
        query = inside_literal(literal)
        named = _named(query, path, relations)
        if named != query:
            statement = statement[:begin] + "'" + named.replace("'", "''") + "'" + statement[end:]
    return statement


def _texts(statement: str) -> Iterator[int]:
    """Where constants stand that such a function runs."""
    for node, value in _nodes(statement):
        if node == "FuncCall" and value["funcname"][-1]["String"]["sval"] in _RUN_TEXTS:
            for argument in value.get("args", ()):
                constant = argument.get("TypeCast", {}).get("arg", argument).get("A_Const", {})
                if "sval" in constant:
                    yield _characters(statement, constant.get("location", 0))


def _nodes(statement: str) -> Iterator[tuple[str, Any]]:
    return json_nodes(json.loads(parser.parse_sql_json(statement)))


def _characters(text: str, place: int) -> int:
    """A place that the parser counts in bytes."""
    return len(text.encode()[:place].decode())


def _literals(statement: str, places: set[int]) -> Iterator[tuple[int, int, str]]:
    for token in parser.scan(statement):
        if token.start in places and statement.startswith("'", token.start):
            yield token.start, token.end + 1, statement[token.start : token.end + 1]


def _named(query: str, path: Sequence[str], relations: Relations) -> str:
    try:
        nodes = list(_nodes(query))
    except parser.ParseError:
        return query
    local = {value.get("ctename") for node, value in nodes if node == "CommonTableExpr"}
    bare = [
        (_characters(query, value.get("location", 0)), value["relname"])
        for node, value in nodes
        if node == "RangeVar" and not value.get("schemaname")
    ]
    for place, name in sorted(bare, reverse=True):
        schema = next((one for one in path if _is_relation(relations, one, name)), None)
        if schema is not None and name not in local:
            query = f"{query[:place]}{display_name(schema)}.{query[place:]}"
    return query


def _is_relation(relations: Relations, schema: str, name: str) -> bool:
    return any(item.id[0] == PG_CLASS for item in relations.get((schema, name), ()))
