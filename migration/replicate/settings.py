"""Settings of the processes at the ends of a subscription, laid upon the roles that they run as.

An apply worker and a sender of changes take no options from us: they begin under what the database and their
role say (`money` of another locale is then read as a hundred times as much, NULL in an array as a word). What
is set for a role in one database outranks the rest, so it is set there: for good where the role is ours
alone, and else while a subscription or publication needs it. What was set before is noted in that object's
comment, in the same transaction, and comes back with the last of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from psycopg import sql

from core.sessions.queries import queries
from core.sessions.session import Connection

query = queries(__package__)

Holder = Literal["SUBSCRIPTION", "PUBLICATION"]

_MARK = "waqiti-migration, settings before it: "


@dataclass(frozen=True)
class _Note:
    """What an object's comment says."""

    role: str
    laid: dict[str, str]
    before: dict[str, str | None]
    """None: it was not set for this role in this database."""


def lay(connection: Connection, role: str, settings: Mapping[str, str]) -> None:
    """Set these for a role in the database of `connection`."""
    for name, value in settings.items():
        connection.execute(_alter(connection, role, sql.SQL("SET {} TO {}"), name, value))


def reset(connection: Connection, role: str, settings: Mapping[str, str]) -> None:
    """Take them back, where they are what `lay` set."""
    now = _of_role(connection, role)
    for name, value in settings.items():
        if now.get(name) == value:
            connection.execute(_alter(connection, role, sql.SQL("RESET {}"), name))


def hold(connection: Connection, kind: Holder, name: str, role: str, settings: Mapping[str, str]) -> None:
    """Set these for `role` as long as the subscription or publication `name` is there.

    In one transaction with the note of what was set before; can be run again.
    """
    with connection.transaction():
        notes = _notes(connection)
        before = _before(notes, kind, name, role)
        now = _of_role(connection, role)
        note = _Note(role, dict(settings), {one: before.get(one, now.get(one)) for one in settings})
        _comment(connection, kind, name, note)
        lay(connection, role, {one: value for one, value in settings.items() if now.get(one) != value})


def let_go(connection: Connection, kind: Holder, name: str) -> None:
    """Put back what was set before, unless another holds the same role; before the object is dropped.

    What somebody has set otherwise since stays.
    """
    with connection.transaction():
        notes = _notes(connection)
        note = notes.pop((kind, name), None)
        if note is None:
            return
        _comment(connection, kind, name, None)
        if any(other.role == note.role for other in notes.values()):
            return
        now = _of_role(connection, note.role)
        for setting, laid in note.laid.items():
            if now.get(setting) != laid:
                continue
            before = note.before.get(setting)
            if before is None:
                connection.execute(_alter(connection, note.role, sql.SQL("RESET {}"), setting))
            else:
                lay(connection, note.role, {setting: before})


def _before(
    notes: Mapping[tuple[str, str], _Note], kind: Holder, name: str, role: str
) -> dict[str, str | None]:
    """What was set before the first holder, as far as notes tell."""
    own = notes.get((kind, name))
    ordered = [note for note in (*notes.values(), own) if note is not None and note.role == role]
    before: dict[str, str | None] = {}
    for note in ordered:
        before |= note.before
    return before


def _notes(connection: Connection) -> dict[tuple[str, str], _Note]:
    rows = connection.execute(query("settings_notes")).fetchall()
    return {
        (kind, name): _Note(**json.loads(text.removeprefix(_MARK)))
        for kind, name, text in rows
        if text is not None and text.startswith(_MARK)
    }


def _of_role(connection: Connection, role: str) -> dict[str, str]:
    return dict(connection.execute(query("settings_role"), {"role": role}).fetchall())


def _comment(connection: Connection, kind: Holder, name: str, note: _Note | None) -> None:
    text = None if note is None else _MARK + json.dumps(asdict(note))
    connection.execute(
        sql.SQL("COMMENT ON {} {} IS {}").format(sql.SQL(kind), sql.Identifier(name), sql.Literal(text))
    )


def _alter(
    connection: Connection, role: str, change: sql.SQL, name: str, value: str | None = None
) -> sql.Composed:
    return sql.SQL("ALTER ROLE {} IN DATABASE {} {}").format(
        sql.Identifier(role),
        sql.Identifier(connection.info.dbname),
        change.format(sql.Identifier(name), *([] if value is None else [sql.Literal(value)])),
    )
