"""What statements keep in their session beyond the transaction, which a transaction pooler takes away. Pure.

Each is found by PostgreSQL's own parser in what pg_stat_statements or a log has. A constant is not in
there, so that `set_config(..., $3)` may be for the session or for the transaction: that is said.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from core.postgres_parser import parser
from migration.parsing.names import json_nodes
from migration.traffic.queries import RanStatement

KEPT = frozenset({
    "application_name", "client_encoding", "datestyle", "intervalstyle", "standard_conforming_strings",
    "timezone", "default_transaction_read_only",
})  # fmt: skip
"""Settings that the gateway keeps for each client (PgBouncer's, and track_extra_parameters)."""

_HOLD = 0x20
"""CURSOR_OPT_HOLD of parsenodes.h."""
_LOCKS = frozenset(
    {
        "pg_advisory_lock",
        "pg_advisory_lock_shared",
        "pg_try_advisory_lock",
        "pg_try_advisory_lock_shared",
    }
)

_BY_ROLE = (
    "give it to all the service's sessions (services.yaml: `sessions`), or SET LOCAL in its transaction"
)
ADVICE = {
    "SET SESSION CHARACTERISTICS": "begin each transaction with its own level (BEGIN ISOLATION LEVEL ...;"
    " with Spring and HikariCP that is what sends it: @Transactional(isolation = ...)), or give it to all the"
    " service's sessions (services.yaml: `sessions: {default_transaction_isolation: ...}`)",
    "SET": _BY_ROLE,
    "set_config": f"its third argument has to be true; or {_BY_ROLE}",
    "LISTEN": "listen on a connection of its own, not through the gateway, or ask by turns",
    "advisory lock of a session": "use pg_advisory_xact_lock",
    "temporary table": "make it ON COMMIT DROP inside one transaction",
    "cursor WITH HOLD": "read it to its end inside one transaction",
    "PREPARE": "let the driver prepare (protocol level, PgBouncer 1.22 and newer), or EXECUTE in the same"
    " transaction and DEALLOCATE there",
    "LOAD": "have the server load it (session_preload_libraries)",
}
"""By kind, what an application does instead."""


@dataclass(frozen=True, slots=True)
class SessionUse:
    """One kind of state that a role's statements keep in their sessions."""

    kind: str
    """A key of ADVICE."""
    what: str
    """The setting, the table; empty where the kind says all."""
    role: str | None
    calls: int
    example: str

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {**asdict(self), "instead": ADVICE[self.kind]}

    def __str__(self) -> str:
        what = f" {self.what}" if self.what else ""
        return f"{self.role or 'somebody'}: {self.kind}{what}, {self.calls:,} times"


def session_uses(statements: Iterable[RanStatement]) -> list[SessionUse]:
    """What `statements` keep in sessions, the most frequent first. Never raises."""
    calls: defaultdict[tuple[str, str, str | None], int] = defaultdict(int)
    example: dict[tuple[str, str, str | None], str] = {}
    for ran in statements:
        for kind, what in kept_by(ran.text):
            key = (kind, what, ran.role)
            calls[key] += ran.calls
            example.setdefault(key, " ".join(ran.text.split()))
    found = [SessionUse(*key, count, example[key]) for key, count in calls.items()]
    return sorted(found, key=lambda use: (-use.calls, use.kind, use.what))


def kept_by(text: str) -> set[tuple[str, str]]:
    """Kind and what of all that one text (a statement or several) keeps; nothing if it does not parse."""
    try:
        tree = json.loads(parser.parse_sql_json(text))
    except parser.ParseError:
        return set()
    found: set[tuple[str, str]] = set()
    for name, body in json_nodes(tree):
        if isinstance(body, dict) and name in _FINDERS:
            found.update(_FINDERS[name](body))
    return found


def _set(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if node.get("is_local") or not str(node.get("kind", "")).startswith("VAR_SET"):
        return
    name = str(node.get("name", "")).lower()
    if name == "session characteristics":
        yield "SET SESSION CHARACTERISTICS", ""
    elif name not in KEPT and not name.startswith("transaction"):
        yield "SET", name


def _function(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    name = str(node.get("funcname", [{}])[-1].get("String", {}).get("sval", ""))
    if name in _LOCKS:
        yield "advisory lock of a session", ""
    if name == "set_config":
        arguments = node.get("args", [])
        setting, local = (_constant(argument) for argument in (arguments[0], arguments[-1]))
        if local is not True and setting not in KEPT:
            yield "set_config", str(setting or "")


def _constant(node: dict[str, Any]) -> bool | str | None:
    constant = node.get("A_Const")
    if not isinstance(constant, dict):
        return None
    if "boolval" in constant:
        return bool(constant["boolval"].get("boolval", False))
    if "sval" in constant:
        return str(constant["sval"].get("sval", "")).lower()
    return None


def _create(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    relation = node.get("relation", {})
    if relation.get("relpersistence") == "t" and node.get("oncommit") != "ONCOMMIT_DROP":
        yield "temporary table", str(relation.get("relname", ""))


def _into(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    relation = node.get("rel", {})
    if relation.get("relpersistence") == "t" and node.get("onCommit") != "ONCOMMIT_DROP":
        yield "temporary table", str(relation.get("relname", ""))


def _cursor(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if int(node.get("options", 0)) & _HOLD:
        yield "cursor WITH HOLD", ""


_FINDERS: dict[str, Callable[[dict[str, Any]], Iterator[tuple[str, str]]]] = {
    "VariableSetStmt": _set,
    "FuncCall": _function,
    "CreateStmt": _create,
    "into": _into,
    "intoClause": _into,
    "DeclareCursorStmt": _cursor,
    "ListenStmt": lambda _: iter([("LISTEN", "")]),
    "PrepareStmt": lambda _: iter([("PREPARE", "")]),
    "LoadStmt": lambda _: iter([("LOAD", "")]),
}
