"""The DDL that makes a column, or an attribute of a composite type, what it is on the source. Pure.

Names, types and expressions come from the servers, quoted and printed by them: they are SQL as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from psycopg import sql

from migration.fidelity.model import Difference

_MOVED = "another place among its columns: no ALTER changes that, create {} again to have it"


def say(template: str, *parts: object) -> str:
    """A statement of pieces that are SQL already (`str`), or composed by psycopg."""
    pieces = (part if isinstance(part, sql.Composable) else sql.SQL(str(part)) for part in parts)
    return sql.SQL(template).format(*pieces).as_string(None)


def remark(text: str) -> str:
    """What no statement can do, as a comment of one line."""
    return "-- " + " ".join(text.split())


def options(alter: str, difference: Difference, what: str = "options", prefix: str = "") -> Iterator[str]:
    """SET and RESET, after the words `alter`, for the options of the property `what`."""
    if difference.source is None or difference.target is None:
        return
    here = difference.source.properties.get(what) or []
    there = difference.target.properties.get(what) or []
    new = [option.partition("=") for option in here if option not in there]
    kept = {option.partition("=")[0] for option in here}
    lost = sorted({option.partition("=")[0] for option in there} - kept)
    if new:
        listed = (say("{}{} = {}", prefix, name, sql.Literal(value)) for name, _, value in new)
        yield say("{} SET ({})", alter, ", ".join(listed))
    if lost:
        yield say("{} RESET ({})", alter, ", ".join(prefix + name for name in lost))


def alter_column(difference: Difference) -> Iterator[str]:
    """The statements for a column that is on both sides."""
    if difference.source is None:
        return
    wanted, changed = difference.source.properties, set(difference.changed)
    name, relation = wanted["name"], difference.source.on
    if wanted["of"] == "type":
        yield from _alter_attribute(difference, name, relation)
    elif wanted["of"] in {"view", "materialized view"}:
        if "default" in changed:
            yield _default(relation, name, wanted.get("default"))
        if changed & {"position", "type", "collation"}:
            yield remark(f"{difference.identity}: goes with its view")
    elif "generated" in changed or ("default" in changed and wanted.get("generated")):
        yield from _generated(difference, relation, name)
    else:
        yield from _alter_values(difference, relation, name)
        yield from _alter_storage(difference, relation, name)
        if "position" in changed:
            yield remark(f"{difference.identity} has {_MOVED.format(relation)}")
        if "inherited" in changed:
            yield remark(f"{difference.identity} is inherited on one side only: see INHERIT and NO INHERIT")


def _alter_values(difference: Difference, relation: str | None, name: Any) -> Iterator[str]:
    """What values it may have, and has by itself."""
    if difference.source is None:
        return
    wanted, changed = difference.source.properties, set(difference.changed)
    if changed & {"type", "collation"}:
        yield from _retype(difference, relation, name)
    elif "default" in changed:
        yield _default(relation, name, wanted.get("default"))
    if "not null" in changed:
        verb = "SET" if wanted.get("not null") else "DROP"
        yield say("ALTER TABLE {} ALTER COLUMN {} {} NOT NULL", relation, name, verb)
    yield from _identity(difference, relation, name)


def _alter_storage(difference: Difference, relation: str | None, name: Any) -> Iterator[str]:
    """How it is stored, and what is known of it."""
    if difference.source is None:
        return
    wanted, changed = difference.source.properties, set(difference.changed)
    column = say("ALTER TABLE {} ALTER COLUMN {}", relation, name)
    for what in ("storage", "compression"):
        if what in changed:
            yield say("{} SET {} {}", column, what.upper(), wanted.get(what) or "DEFAULT")
    if "statistics" in changed:
        yield say("{} SET STATISTICS {}", column, wanted.get("statistics", -1))
    if "options" in changed:
        yield from options(column, difference)


def _alter_attribute(difference: Difference, name: Any, relation: str | None) -> Iterator[str]:
    if difference.source is None:
        return
    wanted = difference.source.properties
    if set(difference.changed) & {"type", "collation"}:
        collation = say(" COLLATE {}", wanted["collation"]) if "collation" in wanted else ""
        yield say("ALTER TYPE {} ALTER ATTRIBUTE {} TYPE {}{}", relation, name, wanted["type"], collation)
    if "position" in difference.changed:
        yield remark(f"{difference.identity} has {_MOVED.format(relation)}")


def _retype(difference: Difference, relation: str | None, name: Any) -> Iterator[str]:
    """A default has to go while the type changes: it need not be of the new type."""
    if difference.source is None or difference.target is None:
        return
    wanted = difference.source.properties
    if difference.target.properties.get("default") is not None:
        yield _default(relation, name, None)
    collation = say(" COLLATE {}", wanted["collation"]) if "collation" in wanted else ""
    yield say(
        "ALTER TABLE {} ALTER COLUMN {} TYPE {}{} USING {}::{}",
        relation,
        name,
        wanted["type"],
        collation,
        name,
        wanted["type"],
    )
    if wanted.get("default") is not None:
        yield _default(relation, name, wanted["default"])


def _default(relation: str | None, name: Any, expression: Any) -> str:
    if expression is None:
        return say("ALTER TABLE {} ALTER COLUMN {} DROP DEFAULT", relation, name)
    return say("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {}", relation, name, expression)


def _identity(difference: Difference, relation: str | None, name: Any) -> Iterator[str]:
    if difference.source is None or difference.target is None or "identity" not in difference.changed:
        return
    here = difference.source.properties.get("identity")
    there = difference.target.properties.get("identity")
    if here is None:
        yield say("ALTER TABLE {} ALTER COLUMN {} DROP IDENTITY", relation, name)
    elif there is not None:
        how = "ALWAYS" if here == "a" else "BY DEFAULT"
        yield say("ALTER TABLE {} ALTER COLUMN {} SET GENERATED {}", relation, name, how)
    # A missing identity comes with its sequence, which is a difference of its own.


def _generated(difference: Difference, relation: str | None, name: Any) -> Iterator[str]:
    if difference.source is None:
        return
    wanted = difference.source.properties
    if not wanted.get("generated") and "position" not in difference.changed:
        yield say("ALTER TABLE {} ALTER COLUMN {} DROP EXPRESSION", relation, name)
        if wanted.get("default") is not None:
            yield _default(relation, name, wanted["default"])
    elif "generated" not in difference.changed:
        expression = wanted["default"]
        yield remark("before PostgreSQL 17: drop the column and add it again")
        yield say("ALTER TABLE {} ALTER COLUMN {} SET EXPRESSION AS ({})", relation, name, expression)
    else:
        yield remark(f"{difference.identity} will have {_MOVED.format(relation)}")
        yield say("ALTER TABLE {} DROP COLUMN {}", relation, name)
        yield str(difference.source.create)
