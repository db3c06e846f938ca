"""Schema changes of a moving service that the other side does not have: those that wait, those refused.

What waits is in the log of the direction, and not yet on the side that follows. What was refused left nothing
behind but its line in the server's log, which is looked for at that log's end, where it can be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from psycopg import sql

from components.contract import Service
from components.replication_roles import flow_name
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.tables import TableName
from migration.replicate.changes import ChangesLog
from migration.replicate.flow import Direction
from migration.replicate.stalls import read_log

query = queries(__package__)

LOG_BYTES = 1 << 18
MOST = 3
_LENGTH = 60
_REFUSED = (
    r"(?:(?P<at>\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)?(?P<utc> UTC| GMT)?)?[^\n]*?"
    r"\b(?P<tag>[A-Z]+(?: [A-Z]+)*) is refused while"
    r" the service {service} moves, because it is not carried over to its other database: (?P<why>[^\n\"]+)"
)


@dataclass(frozen=True, slots=True)
class PendingChange:
    """One change that is not on both sides."""

    state: Literal["waits", "rows wait", "refused"]
    what: str
    to_do: str

    def __str__(self) -> str:
        return f"schema change {self.state}: {self.what}: {self.to_do}"

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {"state": self.state, "what": self.what, "to_do": self.to_do}


def pending_changes(
    service: Service, direction: Direction, publisher: Connection, subscriber: Connection, since: datetime
) -> tuple[PendingChange, ...]:
    """All of a service that moves in `direction` since then; none where an older program began that."""
    flow = flow_name(service.name, direction)
    log = ChangesLog(flow)
    there = log.is_there(publisher) and log.is_there(subscriber)
    if not (there and _carries(publisher, service.schema_name)):
        return ()
    return (
        *_waiting(log, publisher, subscriber),
        *_without_rows(service, flow, subscriber),
        *_refused(service, direction, publisher, since),
    )


def _carries(connection: Connection, schema: str) -> bool:
    """Whether this side was made ready to carry changes of the schema over."""
    if connection.execute(query("is_carrying")).fetchone() != (True,):
        return False
    asked = "SELECT 1 FROM waqiti_migration.carried_schemas WHERE schema_name = %s"
    return connection.execute(asked, [schema]).fetchone() is not None


def _waiting(log: ChangesLog, publisher: Connection, subscriber: Connection) -> Iterator[PendingChange]:
    there = log.last(subscriber)
    rows = publisher.execute(
        sql.SQL("SELECT command, statement, at, role_name FROM {} WHERE id > %s ORDER BY id").format(
            log.table
        ),
        [there],
    ).fetchall()
    for command, statement, at, role in rows[:MOST]:
        yield PendingChange(
            "waits",
            f"{command} of {at:%Y-%m-%d %H:%M:%S} by {role} ({_short(statement)})",
            "it is applied in its turn; if it never is, see `lag` and the log of the side that follows",
        )
    if len(rows) > MOST:
        yield PendingChange("waits", f"{len(rows) - MOST} more", "as the first")


def _without_rows(service: Service, flow: str, subscriber: Connection) -> Iterator[PendingChange]:
    asked = {"schema": service.schema_name, "subscription": flow}
    names = [str(TableName(*row)) for row in subscriber.execute(query("unfollowed"), asked)]
    if names:
        yield PendingChange(
            "rows wait",
            f"the new {'table' if len(names) == 1 else 'tables'} {', '.join(names[:MOST])}"
            + (f" and {len(names) - MOST} more" if len(names) > MOST else ""),
            f"`verify {service.name}`, or the next switch, takes over what is in it and follows it then",
        )


def _refused(
    service: Service, direction: Direction, publisher: Connection, since: datetime
) -> Iterator[PendingChange]:
    control = service.instance_control if direction == "back" else None
    found = re.finditer(
        _REFUSED.format(service=re.escape(service.name)), read_log(publisher, control, LOG_BYTES)
    )
    # The same deploy is tried again and again.
    newest = {(one["tag"], one["why"]): one["at"] for one in found if not _is_older(one, since)}
    for (tag, why), at in list(newest.items())[-MOST:]:
        yield PendingChange(
            "refused",
            f"{tag}{f' at {at}' if at else ''}: {why}",
            "nothing of it is left; deploy it before the move or after `finish`"
            " (docs/schema-migrations.md: what is carried over)",
        )


def _is_older(found: re.Match[str], since: datetime) -> bool:
    """Of an earlier move of the service, as far as the log says so in a zone that is known here."""
    if not (found["at"] and found["utc"]):
        return False
    return datetime.fromisoformat(found["at"]).replace(tzinfo=UTC) < since.replace(microsecond=0)


def _short(statement: str) -> str:
    plain = " ".join(statement.split())
    return plain if len(plain) <= _LENGTH else f"{plain[:_LENGTH]}..."
