"""Reads a foreign key's definition, as `pg_get_constraintdef` prints it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import MigrationError
from core.postgres_parser import ast, parse_sql, parser

_MATCH_FULL = "f"


@dataclass(frozen=True)
class ForeignKey:
    """What a key binds to what."""

    columns: tuple[str, ...]
    referenced: tuple[str, ...]
    """Schema and table."""
    referenced_columns: tuple[str, ...]
    match_full: bool


def parse_foreign_key(definition: str) -> ForeignKey:
    """Parse `FOREIGN KEY (a) REFERENCES s.t(b) ...`. Raises MigrationError for anything else."""
    text = definition.removesuffix(" NOT VALID")
    try:
        (parsed,) = parse_sql(f"ALTER TABLE t ADD {text}")
    except (parser.ParseError, ValueError) as error:
        raise MigrationError(f"no foreign key's definition: {definition!r}: {error}") from None
    commands = getattr(parsed.stmt, "cmds", None) or ()
    constraint = commands[0].def_ if commands else None
    if not isinstance(constraint, ast.Constraint) or constraint.pktable is None:
        raise MigrationError(f"no foreign key's definition: {definition!r}")
    table = constraint.pktable
    return ForeignKey(
        columns=_names(constraint.fk_attrs),
        referenced=tuple(name for name in (table.schemaname, table.relname) if name),
        referenced_columns=_names(constraint.pk_attrs),
        match_full=constraint.fk_matchtype in {_MATCH_FULL, ord(_MATCH_FULL)},
    )


def _names(nodes: tuple[ast.String, ...] | None) -> tuple[str, ...]:
    return tuple(str(node.sval) for node in nodes or ())
