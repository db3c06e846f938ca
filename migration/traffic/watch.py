"""Watches which tables the shared database's transactions write, by decoding a stretch of its WAL.

A temporary logical slot with PostgreSQL's own test_decoding: it needs no publication, changes nothing, and
vanishes with its session however that ends. docs/decisions/0049-transactions-across-services.md has what
it sees, what it cannot see, and what it costs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event

from psycopg import errors as pg
from psycopg.types.json import Jsonb

from components.contract import Contract
from core.errors import SourceSettings, StepTimeout
from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.plan.model import Plan
from migration.traffic.transactions import Ended, Tally, Watched, owners_of

query = queries(__package__)


WAL_BYTES = 1 << 30
"""A watch ends when so much WAL was written since it began: the slot keeps it, and all of it is decoded."""
_PAUSE = 1.0
_AT_LEAST = 60.0
"""Seconds to wait for transactions that were open before: the slot begins when they have ended."""
_CHANGES = 50_000
"""Rows of a single read, about: whole transactions only."""


def watch_transactions(
    source: Database,
    contract: Contract,
    plan: Plan,
    *,
    seconds: float,
    wal_bytes: int = WAL_BYTES,
    stop: Event | None = None,
    begun: Callable[[], object] = lambda: None,
) -> Watched:
    """What the transactions wrote that began and were committed from now on, for `seconds` or `wal_bytes`.

    `plan` is of all services. `begun` is called once the slot is there; `stop` ends it before its time, with
    what was seen until then.
    Raises SourceSettings when the server cannot decode (wal_level, no slot left, no test_decoding),
    StepTimeout when a transaction that was open before does not end, AuthenticationFailed, ConnectionLost,
    Interrupted while there is no slot yet.
    """
    stop = stop or Event()
    schemas = {service.schema_name: service.name for service in contract.services.values()}
    tally = Tally(owners_of(plan), schemas)
    doing = "watching its transactions"
    with source.connect(application_name="waqiti-migration-watch") as connection, source.translated(doing):
        # The server's name for this session: no other one's has it, whatever database that is on.
        slot = f"waqiti_watch_{connection.info.backend_pid}"
        start = _make_slot(connection, source, slot, max(seconds, _AT_LEAST))
        began = time.monotonic()
        begun()
        ended: Ended = "time"
        while True:
            over = time.monotonic() - began >= seconds
            if not over and stop.is_set():
                ended = "interrupted"
            upto, written = _position(connection, start, wal_bytes)
            while _read(connection, slot, upto, tally):
                pass
            if written >= wal_bytes:
                ended = "wal"
            if over or ended != "time":
                break
            stop.wait(min(_PAUSE, max(began + seconds - time.monotonic(), 0.0)))
    watched = Watched(
        datetime.now(UTC),
        round(time.monotonic() - began, 3),
        written,
        tally.transactions,
        ended,
        tally.pairs(),
    )
    return watched.under(contract)


def _make_slot(connection: Connection, source: Database, slot: str, seconds: float) -> str:
    """The slot, which begins where no transaction is open that it would see half of; returns that LSN."""
    row = connection.execute("SHOW wal_level").fetchone()
    if row is None or row[0] != "logical":
        raise SourceSettings(
            f"{source.where} has wal_level = {row[0] if row else '?'}: its transactions cannot be watched;"
            " set wal_level = logical there and restart it (a move needs it, too)"
        )
    connection.execute("SELECT set_config('statement_timeout', %s, false)", [f"{int(seconds * 1000)}ms"])
    try:
        made = connection.execute(
            "SELECT lsn::text FROM pg_create_logical_replication_slot(%s, 'test_decoding', true)", [slot]
        ).fetchone()
    except pg.QueryCanceled:
        raise StepTimeout(
            f"{source.where} could not begin to decode within {seconds:g} s, because a transaction that was"
            " open before has not ended: see pg_stat_activity for the oldest, and run it again without it"
        ) from None
    except pg.UndefinedFile:
        raise SourceSettings(
            f"{source.where} has no test_decoding, which watching needs: install PostgreSQL's contrib"
            " modules on that server"
        ) from None
    except pg.ConfigurationLimitExceeded:
        raise SourceSettings(
            f"{source.where} has no replication slot left: raise max_replication_slots there, or wait until"
            " a move has ended"
        ) from None
    connection.execute("SET statement_timeout = 0")
    return str(made[0]) if made is not None else "0/0"


def _position(connection: Connection, start: str, wal_bytes: int) -> tuple[str, int]:
    """Up to where to read, which is at most `wal_bytes` after `start`; and how much was written since."""
    row = connection.execute(
        "SELECT least(now.lsn, %(start)s::pg_lsn + %(most)s::numeric)::text,"
        " (now.lsn - %(start)s::pg_lsn)::bigint FROM (SELECT pg_current_wal_flush_lsn()) now (lsn)",
        {"start": start, "most": wal_bytes},
    ).fetchone()
    return (str(row[0]), int(row[1])) if row is not None else (start, 0)


def _read(connection: Connection, slot: str, upto: str, tally: Tally) -> bool:
    """Read once; whether there was anything."""
    parameters = {"slot": slot, "upto": upto, "most": _CHANGES}
    rows = connection.execute(query("transactions_read"), parameters).fetchall()
    for (written,) in rows:
        tally.add(written or ())
    return bool(rows)


def note_watched(source: Database, watched: Watched) -> None:
    """Keep what was seen, in the place of what was kept before, for the gate."""
    with source.connect() as connection, source.translated("noting what its transactions wrote"):
        connection.execute(query("transactions_table"))
        connection.execute(
            "INSERT INTO waqiti_migration.watched_transactions (seen) VALUES (%(seen)s)"
            " ON CONFLICT (one) DO UPDATE SET seen = excluded.seen",
            {"seen": Jsonb(watched.as_json())},
        )


def read_watched(connection: Connection, contract: Contract) -> Watched | None:
    """What was seen last, under today's rules; None when nobody has watched yet."""
    row = connection.execute(
        "SELECT pg_catalog.to_regclass('waqiti_migration.watched_transactions')"
    ).fetchone()
    if row is None or row[0] is None:
        return None
    row = connection.execute("SELECT seen FROM waqiti_migration.watched_transactions").fetchone()
    return None if row is None else Watched.from_json(row[0]).under(contract)
