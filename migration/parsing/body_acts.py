"""What a body or a statement does that takes more than rights on rows: an owner's, a superuser's. Pure.

And where it asks who runs it (`current_user`), which is another name on a service's own database.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.postgres_parser import parser
from migration.parsing.dynamic import dynamic_statements
from migration.parsing.names import json_nodes

Needs = Literal["maintain", "owner", "creation", "server", "role", "large object"]
"""`maintain`: MAINTAIN, or owning before PostgreSQL 17. `owner`: owning what it names. `creation`: CREATE on
the schema. `server`: a superuser or a predefined role. `role`: to be a member of a role. `large object`: to
own the large object."""

_MAINTAINED = {
    "RefreshMatViewStmt": "REFRESH MATERIALIZED VIEW",
    "ClusterStmt": "CLUSTER",
    "ReindexStmt": "REINDEX",
}
_OWNED = {
    "AlterSeqStmt": "ALTER SEQUENCE", "AlterTableStmt": "ALTER TABLE", "CreateTrigStmt": "CREATE TRIGGER",
    "IndexStmt": "CREATE INDEX", "RenameStmt": "ALTER ... RENAME", "CommentStmt": "COMMENT",
    "RuleStmt": "CREATE RULE", "CreatePolicyStmt": "CREATE POLICY", "AlterPolicyStmt": "ALTER POLICY",
    "DropStmt": "DROP",
    "AlterObjectSchemaStmt": "ALTER ... SET SCHEMA", "AlterOwnerStmt": "ALTER ... OWNER",
    "AlterEnumStmt": "ALTER TYPE", "AlterDomainStmt": "ALTER DOMAIN", "AlterFunctionStmt": "ALTER FUNCTION",
    "CreateStatsStmt": "CREATE STATISTICS",
}  # fmt: skip
_CREATED = {
    "CreateStmt": "CREATE TABLE",
    "CreateTableAsStmt": "CREATE TABLE AS",
    "ViewStmt": "CREATE VIEW",
    "CreateSeqStmt": "CREATE SEQUENCE",
    "CreateFunctionStmt": "CREATE FUNCTION",
    "CreateSchemaStmt": "CREATE SCHEMA",
    "CreateEnumStmt": "CREATE TYPE",
    "CompositeTypeStmt": "CREATE TYPE",
    "CreateDomainStmt": "CREATE DOMAIN",
    "CreateExtensionStmt": "CREATE EXTENSION",
}
_OF_THE_SERVER = {
    "AlterSystemStmt": "ALTER SYSTEM", "CreateRoleStmt": "CREATE ROLE", "AlterRoleStmt": "ALTER ROLE",
    "AlterRoleSetStmt": "ALTER ROLE", "DropRoleStmt": "DROP ROLE", "GrantRoleStmt": "GRANT of a role",
    "CreatedbStmt": "CREATE DATABASE", "AlterDatabaseSetStmt": "ALTER DATABASE",
    "AlterDatabaseStmt": "ALTER DATABASE", "CreateEventTrigStmt": "CREATE EVENT TRIGGER",
    "AlterEventTrigStmt": "ALTER EVENT TRIGGER", "CheckPointStmt": "CHECKPOINT",
}  # fmt: skip
_SERVER_CALLS = frozenset({
    "pg_read_file", "pg_read_binary_file", "pg_ls_dir", "pg_stat_file", "lo_import", "lo_export",
    "pg_reload_conf", "pg_rotate_logfile", "pg_switch_wal", "pg_create_restore_point",
})  # fmt: skip
_RELATIONS = frozenset({"RangeVar", "relation", "sequence", "view", "rel", "table"})
_WORDS = frozenset({"List", "objname", "typeName", "defnames"})
"""Where the grammar has names as lists of words."""
_PARTS = frozenset(
    {
        "OBJECT_COLUMN",
        "OBJECT_TRIGGER",
        "OBJECT_POLICY",
        "OBJECT_RULE",
        "OBJECT_TABCONSTRAINT",
    }
)
_ROLE_SETTINGS = {"role": "SET ROLE", "session_authorization": "SET SESSION AUTHORIZATION"}
_SERVER_SETTINGS = frozenset({"session_replication_role"})
_HARMLESS = (["origin"], ["local"])
"""Values that change nothing about which triggers fire."""
_ASKING = frozenset({
    "pg_has_role", "has_table_privilege", "has_schema_privilege", "has_function_privilege",
    "has_sequence_privilege", "has_database_privilege", "has_any_column_privilege",
})  # fmt: skip
_AFTER_WHICH = frozenset({
    ";", "THEN", "ELSE", "LOOP", "BEGIN", "IF", "ELSIF", "WHEN", "WHILE", "RETURN",
})  # fmt: skip
"""Where a statement of PL/pgSQL begins, or an expression."""
LARGE_OBJECTS = frozenset({"lo_unlink", "lo_manage"})
"""Functions that remove large objects."""
_CALLS = "|".join(sorted({*_SERVER_CALLS, *LARGE_OBJECTS, "set_config"}))
_WORTH_A_LOOK = re.compile(
    r"\b(refresh|cluster|reindex|alter|create|drop|comment|truncate|set|copy|checkpoint|grant|"
    rf"revoke|{_CALLS})\b|\bselect\b.*\binto\b",
    re.IGNORECASE | re.DOTALL,
)
_BEGINS_WORTHY = re.compile(
    r"\s*(refresh|cluster|reindex|alter|create|drop|comment|truncate|set|copy|checkpoint|grant|revoke|do)\b"
    rf"|.*\b({_CALLS})\b|\s*select\b.*\binto\b",
    re.IGNORECASE | re.DOTALL,
)
"""Of a statement of an application: most are none of these, and parsing them all takes seconds."""
_NAMES_WHO = re.compile(
    r"\b(current_user|session_user|current_role|user|getpgusername|" + "|".join(sorted(_ASKING)) + r")\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, order=True)
class Act:
    """Something a text does that takes more than rights on rows."""

    command: str
    needs: Needs
    names: tuple[tuple[str | None, str], ...] = ()
    """What it names: schema (None: by the search_path) and name; of a role its name."""


def acts_of_routine(language: str, body: str, definition: str) -> tuple[Act, ...]:
    """What a function or procedure does, what it runs by EXECUTE included where that is known.

    `body` is `pg_proc.prosrc`, `definition` the whole CREATE FUNCTION. Never raises.
    """
    if not _WORTH_A_LOOK.search(body):
        return ()
    found = {act for tree in _trees(language, body, definition) for act in _acts(tree)}
    # PL/pgSQL's INTO is a variable's.
    return tuple(sorted(act for act in found if language != "plpgsql" or act.command != "SELECT INTO"))


def acts_of_statement(text: str) -> tuple[Act, ...]:
    """What a statement of an application does; none for one that does not parse."""
    if not _BEGINS_WORTHY.match(text):
        return ()
    try:
        return tuple(sorted(set(_acts(json.loads(parser.parse_sql_json(text))))))
    except parser.ParseError:
        return ()


def asks_who(language: str, body: str, definition: str) -> Literal["", "says", "decides"]:
    """Whether a routine says who runs it (`says`), or what it does depends on that (`decides`)."""
    if not _NAMES_WHO.search(body):
        return ""
    return _asks(list(_trees(language, body, definition)))


def expression_asks_who(expression: str) -> Literal["", "says", "decides"]:
    """The same of an expression, or of a statement that stands as `pg_get_...def` prints it."""
    if not _NAMES_WHO.search(expression):
        return ""
    for text in (f"SELECT {expression}", expression):
        try:
            return _asks([json.loads(parser.parse_sql_json(text))])
        except parser.ParseError:
            continue
    return ""


def commits(definition: str) -> bool:
    """Whether a procedure ends transactions, which none that is SECURITY DEFINER may."""
    return re.search(r"\b(commit|rollback)\b", definition, re.IGNORECASE) is not None


def _asks(trees: list[Any]) -> Literal["", "says", "decides"]:
    found = {decides for tree in trees for decides in _who(tree, False)}
    return "" if not found else "decides" if True in found else "says"


def _who(node: Any, decides: bool) -> Iterator[bool]:
    """For each place that names the one who runs it, whether it is compared there."""
    if isinstance(node, list):
        for one in node:
            yield from _who(one, decides)
    elif isinstance(node, dict):
        for key, value in node.items():
            inside = decides
            if key == "SQLValueFunction" and value["op"].endswith(("USER", "ROLE")):
                yield decides
            elif key == "A_Expr":
                inside = decides or [
                    part.get("String", {}).get("sval") for part in value.get("name", ())
                ] != ["||"]
            elif key in {"CaseExpr", "whereClause"}:
                inside = True
            elif key == "FuncCall":
                name = _last(value["funcname"])
                if name == "getpgusername":
                    yield decides
                elif name in _ASKING:
                    # With two arguments it asks for the one who runs it; with three one is named.
                    if len(value.get("args", ())) < 3:
                        yield True
                    inside = True
            yield from _who(value, inside)


def _trees(language: str, body: str, definition: str) -> Iterator[Any]:
    """The statements of a routine, parsed; what does not parse is left out."""
    texts: list[str] = []
    if language == "sql":
        texts.append(body or definition)
    elif language == "plpgsql":
        try:
            for node, value in json_nodes(json.loads(parser.parse_plpgsql_json(definition))):
                if node == "PLpgSQL_expr" and isinstance(value, dict) and "query" in value:
                    texts.append(value["query"])
        except (parser.ParseError, ValueError):
            texts += _pieces(body)
    texts += (one.text for one in dynamic_statements(language, body, definition) if one.text is not None)
    for text in texts:
        for form in (text, f"SELECT {text}", f"SELECT {text.partition(':=')[2]}"):
            try:
                yield json.loads(parser.parse_sql_json(form))
            except parser.ParseError:
                continue
            break


def _acts(tree: Any) -> Iterator[Act]:
    for node, value in json_nodes(tree):
        if not isinstance(value, dict):
            continue
        if node in _MAINTAINED:
            yield Act(_MAINTAINED[node], "maintain", tuple(_named(value)))
        elif node in _OWNED and not _is_temporary(value):
            yield Act(_command(node, value), "owner", tuple(_named(value)))
        elif node in _CREATED and not _is_temporary(value):
            yield Act(_CREATED[node], "creation", tuple(_named(value)))
        elif node in _OF_THE_SERVER:
            yield Act(_OF_THE_SERVER[node], "server")
        elif node in _BY_ITSELF:
            yield from _BY_ITSELF[node](value)


def _truncate(value: dict[str, Any]) -> Iterator[Act]:
    if value.get("restart_seqs"):
        yield Act("TRUNCATE ... RESTART IDENTITY", "owner", tuple(_named(value)))


def _into(value: dict[str, Any]) -> Iterator[Act]:
    if value.get("rel", {}).get("relpersistence") != "t":
        yield Act("SELECT INTO", "creation", tuple(_named(value)))


def _copy(value: dict[str, Any]) -> Iterator[Act]:
    if value.get("filename"):
        yield Act("COPY of a program" if value.get("is_program") else "COPY of a server's file", "server")


def _set(value: dict[str, Any]) -> Iterator[Act]:
    if value.get("kind") == "VAR_SET_VALUE":
        yield from _setting(value.get("name", ""), [_constant(one) for one in value.get("args", ())])


def _call(value: dict[str, Any]) -> Iterator[Act]:
    name = _last(value["funcname"])
    arguments = [_constant(one) for one in value.get("args", ())]
    if name in _SERVER_CALLS:
        yield Act(f"{name}()", "server")
    elif name in LARGE_OBJECTS:
        yield Act(f"{name}()", "large object")
    elif name == "set_config" and len(arguments) > 1:
        yield from _setting(arguments[0] or "", arguments[1:2])


def _block(value: dict[str, Any]) -> Iterator[Act]:
    for argument in value.get("args", ()):
        body = argument.get("DefElem", {}).get("arg", {}).get("String", {}).get("sval")
        if body:
            definition = f"DO LANGUAGE plpgsql $waqiti_block${body}$waqiti_block$"
            yield from acts_of_routine("plpgsql", body, definition)


_BY_ITSELF: Mapping[str, Callable[[dict[str, Any]], Iterator[Act]]] = {
    "TruncateStmt": _truncate,
    "intoClause": _into,
    "CopyStmt": _copy,
    "VariableSetStmt": _set,
    "FuncCall": _call,
    "DoStmt": _block,
}


def _setting(name: str, values: list[str | None]) -> Iterator[Act]:
    if name in _ROLE_SETTINGS and values[:1] != ["none"]:
        yield Act(_ROLE_SETTINGS[name], "role", tuple((None, value) for value in values if value))
    elif name in _SERVER_SETTINGS and values[:1] not in _HARMLESS:
        yield Act(f"SET {name}", "server")


def _constant(node: dict[str, Any]) -> str | None:
    value = node.get("A_Const", {}).get("sval", {}).get("sval")
    return str(value) if value is not None else None


def _pieces(body: str) -> Iterator[str]:
    """The statements of a body that PL/pgSQL's own parser refuses, and the conditions in it, by the lexer."""
    begin, previous = 0, ";"
    tokens = [token for token in _scanned(body) if token.name not in {"SQL_COMMENT", "C_COMMENT"}]
    for token in tokens:
        word = body[token.start : token.end + 1].upper()
        if previous in _AFTER_WHICH:
            begin = token.start
        if word in {";", "THEN", "LOOP"} and begin < token.start:
            yield body[begin : token.start]
        previous = word


def _scanned(body: str) -> Sequence[Any]:
    try:
        return list(parser.scan(body))
    except parser.ParseError:
        return ()


def _command(node: str, value: dict[str, Any]) -> str:
    if node == "DropStmt":
        kind = str(value["removeType"]).removeprefix("OBJECT_")
        return f"DROP {kind.replace('MATVIEW', 'MATERIALIZED VIEW')}"
    if node == "AlterTableStmt":
        kinds = {command["AlterTableCmd"]["subtype"] for command in value.get("cmds", ())}
        if all("Trig" in kind for kind in kinds):
            return "ALTER TABLE ... DISABLE or ENABLE TRIGGER"
    return _OWNED[node]


def _is_temporary(value: dict[str, Any]) -> bool:
    relations = [
        *(value.get(key) for key in ("relation", "view", "sequence")),
        value.get("into", {}).get("rel"),
    ]
    return any(
        one.get("relpersistence") == "t" or one.get("schemaname") == "pg_temp" for one in relations if one
    )


def _named(value: dict[str, Any]) -> Iterator[tuple[str | None, str]]:
    """The names of relations, or of whatever ALTER, DROP and COMMENT are about."""
    about = {key: one for key, one in value.items() if key not in {"query", "whereClause", "stmt"}}
    kind = str(value.get("removeType", value.get("objtype", "")))
    within, typed = kind in _PARTS, kind in {"OBJECT_TYPE", "OBJECT_DOMAIN"}
    for key, one in json_nodes(about):
        if key in _RELATIONS and isinstance(one, dict) and "relname" in one:
            yield one.get("schemaname"), one["relname"]
        elif key in _WORDS or (typed and key == "names"):
            parts = one.get("items", ()) if isinstance(one, dict) else one
            words = [part["String"].get("sval", "") for part in parts if "String" in part]
            # The last is the part's own name: DROP TRIGGER name ON schema.table.
            words = words[:-1] if within else words
            if words:
                yield (words[-2] if len(words) > 1 else None), words[-1]


def _last(name: list[dict[str, Any]]) -> str:
    return str(name[-1].get("String", {}).get("sval", ""))
