"""Changes single statements of a dump: roles of policies, and what a rule drops out of CREATE TABLE.

Statements are parsed, and edited as trees or at the parser's (or lexer's) positions, never by searching text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from psycopg import sql

from core.postgres_parser import AlterTableType, ConstrType, RawStream, RoleSpecType, ast, parse_sql, parser


def policy_for_roles(statement: str, roles: Sequence[str] | None) -> str | None:
    """A CREATE POLICY for these roles instead of those it names; None where there are none for it.

    PUBLIC and CURRENT_USER stay. Positions are pglast's, in characters.
    """
    tree: Any = parse_sql(statement)[0].stmt
    named = [role for role in tree.roles or () if role.roletype == RoleSpecType.ROLESPEC_CSTRING]
    if not named:
        return statement
    if not roles and len(tree.roles) == len(named):
        return None
    first, last = named[0], named[-1]
    begin = first.location
    end = last.location + len(_spelled(statement, last))
    names = ", ".join(sql.Identifier(name).as_string(None) for name in roles or ())
    return f"{statement[:begin]}{names}{statement[end:]}"


def _spelled(statement: str, role: Any) -> str:
    """The role's name as the statement spells it, at its position."""
    quoted = '"' + role.rolename.replace('"', '""') + '"'
    return quoted if statement.startswith(quoted, role.location) else str(role.rolename)


def table_without(statement: str, defaults: Collection[str], constraints: Collection[str]) -> str:
    """A CREATE TABLE (or CREATE DOMAIN) without the defaults of some columns and some named constraints.

    What a dump puts after it (statistics targets, storage, options of columns) stays as it is.
    """
    first = parse_sql(statement)[0]
    tree: Any = first.stmt
    end = (first.stmt_location or 0) + first.stmt_len if first.stmt_len else len(statement)
    rest = statement[end:]
    if isinstance(tree, ast.CreateDomainStmt):
        tree.constraints = tuple(c for c in tree.constraints or () if c.conname not in constraints)
        return str(RawStream()(tree)) + rest
    elements = []
    for element in tree.tableElts or ():
        if isinstance(element, ast.Constraint) and element.conname in constraints:
            continue
        if isinstance(element, ast.ColumnDef) and element.constraints:
            element.constraints = tuple(
                part
                for part in element.constraints
                if part.conname not in constraints
                and not (part.contype == ConstrType.CONSTR_DEFAULT and element.colname in defaults)
            )
        elements.append(element)
    tree.tableElts = tuple(elements)
    return str(RawStream()(tree)) + rest


_TYPED_AND_EMPTY = re.compile(r"\A(CREATE (?:UNLOGGED )?TABLE [^(;]+ OF [^(;]+?)\s*\(\s*\)")


def without_constraints(statement: str, names: Collection[str]) -> str:
    """A dump's CREATE TABLE or CREATE DOMAIN without some named checks; all else stays to the letter.

    Read by the lexer alone, so that a newer version's grammar is no obstacle.
    """
    if not names:
        return statement
    tokens = [(t.start, t.end + 1, statement[t.start : t.end + 1]) for t in parser.scan(statement)]
    table = tokens[1][2].upper() != "DOMAIN"
    cuts: list[tuple[int, int]] = []
    depth = 0
    for at, (begin, _, word) in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth == int(table) and _is_check_named(tokens[at : at + 3], names):
            end = _end_of_element(tokens, at)
            comma = table and tokens[at - 1][2] == ","
            if table and not comma and statement[end : end + 1] == ",":
                end += 1
            cut = tokens[at - 1][0] if comma else begin
            cuts.append((max(cut, cuts[-1][1] if cuts else 0), end))
        if word == ";" and depth == 0:
            break
    for begin, end in reversed(cuts):
        statement = statement[:begin].rstrip() + statement[end:]
    # A table of a composite type has no empty list.
    return _TYPED_AND_EMPTY.sub(r"\1", statement)


def _is_check_named(tokens: Sequence[tuple[int, int, str]], names: Collection[str]) -> bool:
    if [word.upper() for _, _, word in tokens[::2]] != ["CONSTRAINT", "CHECK"]:
        return False
    name = tokens[1][2]
    return (name[1:-1].replace('""', '"') if name.startswith('"') else name) in names


def _end_of_element(tokens: Sequence[tuple[int, int, str]], at: int) -> int:
    """Where the check that begins with a token ends: before what parts it from the next one."""
    depth, end = 0, tokens[at][1]
    for _, after, word in tokens[at + 1 :]:
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth < 0 or (depth == 0 and word.upper() in {",", ";", "CONSTRAINT"}):
            break
        end = after
    return end


INTERNAL_OPTION = "pg_attver"
"""A column option that servers patched in November 2026 (15.20) keep for themselves. Their own pg_dump leaves
it out; one that is older, as any of a newer major version may be, dumps it, and no server takes it back."""


def without_internal_options(statements: str) -> str:
    """A dump's entry without the column options that a patched source keeps for itself."""
    if INTERNAL_OPTION not in statements:
        return statements
    kept = []
    for parsed in parse_sql(statements):
        tree: Any = parsed.stmt
        if not isinstance(tree, ast.AlterTableStmt) or not _drop_internal(tree):
            begin = parsed.stmt_location or 0
            end = begin + parsed.stmt_len if parsed.stmt_len else len(statements)
            kept.append(statements[begin:end].removesuffix(";"))
        elif tree.cmds:
            kept.append("\n" + str(RawStream()(tree)))
    return ";".join(kept) + ";\n"


def _drop_internal(tree: Any) -> bool:
    """Take the option, and commands that set nothing else, out of an ALTER TABLE; was it there?"""
    found, commands = False, []
    for command in tree.cmds:
        if command.subtype == AlterTableType.AT_SetOptions:
            options = tuple(one for one in command.def_ if one.defname != INTERNAL_OPTION)
            found = found or len(options) < len(command.def_)
            if not options:
                continue
            command.def_ = options
        commands.append(command)
    tree.cmds = tuple(commands)
    return found


def statements_in(text: str) -> int:
    """How many statements a dump's entry has."""
    return len(parse_sql(text))


def add_constraint_using_index(statement: str, index: str) -> str | None:
    """`ALTER TABLE ... ADD CONSTRAINT` with an index that exists already; None where that is not possible.

    Possible for a single primary key or unique constraint of an ordinary table; not for exclusion
    constraints, nor for keys WITHOUT OVERLAPS (PostgreSQL's ALTER TABLE, `table_constraint_using_index`).
    """
    parsed = parse_sql(statement)
    if len(parsed) != 1 or not isinstance(parsed[0].stmt, ast.AlterTableStmt):
        return None
    tree: Any = parsed[0].stmt
    constraint: Any = tree.cmds[0].def_
    if len(tree.cmds) != 1:
        return None
    kinds = {ConstrType.CONSTR_PRIMARY, ConstrType.CONSTR_UNIQUE}
    if not isinstance(constraint, ast.Constraint) or constraint.contype not in kinds:
        return None
    if constraint.without_overlaps:
        return None
    kind = "PRIMARY KEY" if constraint.contype == ConstrType.CONSTR_PRIMARY else "UNIQUE"
    relation = [name for name in (tree.relation.schemaname, tree.relation.relname) if name]
    deferrable = " DEFERRABLE" if constraint.deferrable else ""
    deferred = " INITIALLY DEFERRED" if constraint.initdeferred else ""
    composed = sql.SQL("ALTER TABLE ONLY {} ADD CONSTRAINT {} {} USING INDEX {}").format(
        sql.Identifier(*relation),
        sql.Identifier(str(constraint.conname)),
        sql.SQL("PRIMARY KEY") if kind == "PRIMARY KEY" else sql.SQL("UNIQUE"),
        sql.Identifier(index),
    )
    return composed.as_string(None) + deferrable + deferred
