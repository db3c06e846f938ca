"""The columns of one table that SQL statements read, and what they do to it, by their parse trees. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.postgres_parser import parser
from migration.catalog.tables import TableName
from migration.parsing.names import json_nodes

_WRITES = {"InsertStmt": "INSERT", "UpdateStmt": "UPDATE", "DeleteStmt": "DELETE", "MergeStmt": "MERGE"}
_AROUND = frozenset({
    "CreateFunctionStmt", "RuleStmt", "CreatePolicyStmt", "ViewStmt", "CreateTableAsStmt", "ExplainStmt",
    "DeclareCursorStmt", "PrepareStmt", "CallStmt", "DoStmt", "ReturnStmt", "PLAssignStmt",
})  # fmt: skip
"""Statements that do nothing to a table themselves; those inside them count."""
_JSON = dict[str, Any]


@dataclass
class Findings:
    """What has been found out about one table."""

    table: TableName
    columns: frozenset[str]
    bare: bool = True
    """Whether its name without a schema means it, too."""
    names: set[str] = field(default_factory=set)
    """Columns that are read."""
    whole: bool = False
    """All are, or it cannot be told which."""
    writes: set[str] = field(default_factory=set)
    """Commands that a read-only copy refuses."""

    def means(self, parts: Sequence[str]) -> bool:
        """Whether a name, with or without its schema, is the table's."""
        if len(parts) == 1:
            return self.bare and parts[0] == self.table.name
        return list(parts) == [self.table.schema, self.table.name]


@dataclass(frozen=True)
class _Level:
    """The relations of one statement: the names under which the table is known there, and other names."""

    mine: frozenset[str]
    others: frozenset[str]


_Scopes = tuple[_Level, ...]


def read_statements(text: str, found: Findings) -> None:
    """Add to `found` what the statements of a text do. Raises pglast's ParseError."""
    tree = json.loads(parser.parse_sql_json(text))
    ctes = {value.get("ctename") for node, value in json_nodes(tree) if node == "CommonTableExpr"}
    _Reader(found, frozenset(name for name in ctes if name)).visit(tree, ())


class _Reader:
    def __init__(self, found: Findings, ctes: frozenset[str]) -> None:
        self.found = found
        self.ctes = ctes

    def visit(self, node: Any, scopes: _Scopes) -> None:
        """Look at a tree from its root down; `scopes` are the statements around it, outermost first."""
        if isinstance(node, list):
            for one in node:
                self.visit(one, scopes)
        elif isinstance(node, dict):
            for key, value in node.items():
                self._enter(key, value, scopes)

    def _enter(self, key: str, value: Any, scopes: _Scopes) -> None:
        if key == "ColumnRef":
            self._column([*_fields(value)], scopes)
            return
        if key in {"TypeName", "typeName", "argType", "returnType"} and isinstance(value, dict):
            names = [part["String"].get("sval", "") for part in value.get("names", ()) if "String" in part]
            self.found.whole |= self.found.means(names)
        if key in {"larg", "rarg"} and "op" in value:
            key = "SelectStmt"  # a half of a UNION comes without its kind
        if key == "SelectStmt" or key in _WRITES:
            scopes = (*scopes, self._statement(key, value))
        elif key.endswith("Stmt") and key[0].isupper() and key not in _AROUND:
            self._other(key, value)
        self.visit(value, scopes)

    def _statement(self, key: str, value: _JSON) -> _Level:
        relations = [*value.get("fromClause", ()), *value.get("usingClause", ())]
        if "sourceRelation" in value:
            relations.append(value["sourceRelation"])
        if isinstance(value.get("relation"), dict):
            relation = value["relation"]
            relations.append({"RangeVar": relation})
            if self._is_mine(relation):
                self.found.writes.add(_WRITES.get(key, key))
        mine: set[str] = set()
        others: set[str] = set()
        for relation in relations:
            self._range(relation, mine, others)
        if "lockingClause" in value:
            self._locking(value, mine)
        return _Level(frozenset(mine), frozenset(others))

    def _range(self, node: _JSON, mine: set[str], others: set[str]) -> None:
        """The names that one entry of FROM gives to relations."""
        ((kind, value),) = node.items()
        alias = value.get("alias", {}).get("aliasname")
        if kind == "RangeVar":
            is_mine = self._is_mine(value)
            (mine if is_mine else others).add(alias or value["relname"])
            # Columns that are renamed by their place.
            self.found.whole |= is_mine and "colnames" in value.get("alias", {})
        elif kind == "RangeTableSample":
            self._range(value["relation"], mine, others)
        elif kind == "JoinExpr":
            here: set[str] = set()
            self._range(value["larg"], here, others)
            self._range(value["rarg"], here, others)
            if here:
                self.found.whole |= bool(value.get("isNatural")) or "colnames" in value.get("alias", {})
                using = {part["String"]["sval"] for part in value.get("usingClause", ())}
                self.found.names |= using & self.found.columns
                mine |= {alias} if alias else here
            elif alias:
                others.add(alias)
        elif alias:
            others.add(alias)

    def _locking(self, value: _JSON, mine: set[str]) -> None:
        """FOR UPDATE and its like: a copy may not be locked."""
        inside = any(
            isinstance(one, dict) and "relname" in one and self._is_mine(one)
            for _, one in json_nodes(value.get("fromClause", ()))
        )
        for clause in value["lockingClause"]:
            named = {one["RangeVar"]["relname"] for one in clause["LockingClause"].get("lockedRels", ())}
            if named & mine or (inside and (not named or not mine)):
                self.found.writes.add("SELECT ... FOR UPDATE or SHARE")

    def _other(self, key: str, value: Any) -> None:
        for _, one in json_nodes({"": value}):
            if isinstance(one, dict) and "relname" in one and self._is_mine(one):
                if key == "CopyStmt" and not value.get("is_from"):
                    self.found.whole = True
                else:
                    self.found.writes.add(key.removesuffix("Stmt").upper())

    def _is_mine(self, relation: _JSON) -> bool:
        name, schema = relation.get("relname", ""), relation.get("schemaname")
        if schema is None and name in self.ctes:
            return False
        return self.found.means([schema, name] if schema else [name])

    def _column(self, fields: list[str | None], scopes: _Scopes) -> None:
        """A name, `None` for a star at its end."""
        found, last = self.found, fields[-1]
        there = any(level.mine for level in scopes)
        if len(fields) == 1:
            if last is None:
                found.whole |= bool(scopes) and bool(scopes[-1].mine)
            elif last in found.columns and there:
                found.names.add(last)
            elif _is_alias(last, scopes):
                found.whole = True
            return
        qualifier = [name or "" for name in fields[:-1]]
        ours = _is_alias(qualifier[-1], scopes) if len(qualifier) == 1 else there and found.means(qualifier)
        if not ours:
            return
        if last in found.columns:
            found.names.add(str(last))
        else:
            # A star, or a function of the row that is written like a column.
            found.whole = True


def _is_alias(name: str, scopes: _Scopes) -> bool:
    """Whether the innermost statement that knows a relation of this name means the table by it."""
    for level in reversed(scopes):
        if name in level.mine:
            return True
        if name in level.others:
            return False
    return False


def _fields(reference: _JSON) -> Iterator[str | None]:
    for part in reference.get("fields", ()):
        yield part["String"]["sval"] if "String" in part else None
