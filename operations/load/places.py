"""Where a load goes, and what it may do there: what is in use is only read, what was restored is written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from components.contract import Contract, Service
from core.errors import LoadRefused
from core.sessions.connections import Database
from core.sessions.session import Connection
from operations.restore.beside import beside, require_restored

APPLICATION = "waqiti-load"
STATEMENT_SECONDS = 30
"""A statement that takes longer is ended, and counts as failed."""


@dataclass(frozen=True)
class Place:
    """One database, as the service's applications see it."""

    name: str
    """`own`, `shared` or `restored`."""
    database: Database
    may_write: bool
    role: str | None = None
    """What a session becomes after it has logged in; None: it is that already."""
    search_path: tuple[str, ...] = ()
    """What it sets, where its login does not begin with it."""
    data: Path | None = None
    """The folder of the server's data, where it runs on this machine."""

    def connect(self) -> Connection:
        """A session for a load. Raises what connecting raises."""
        session = self.database.connect(application_name=APPLICATION)
        try:
            with self.database.translated("beginning a session for a load"):
                self._begin(session)
        except BaseException:
            session.close()
            raise
        return session

    def _begin(self, session: Connection) -> None:
        if self.role is not None:
            session.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(self.role)))
        if self.search_path:
            names = sql.SQL(", ").join(sql.Identifier(name) for name in self.search_path)
            session.execute(sql.SQL("SET search_path = {}").format(names))
        session.execute(sql.SQL("SET statement_timeout = {}").format(sql.Literal(f"{STATEMENT_SECONDS}s")))
        if not self.may_write:
            session.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")

    def require_unwritten(self, session: Connection) -> None:
        """Look that a session of a load that only reads still may not write. Raises LoadRefused."""
        if self.may_write:
            return
        with contextlib.suppress(psycopg.Error):
            row = session.execute("SHOW default_transaction_read_only").fetchone()
            if row is not None and row[0] != "on":
                raise LoadRefused(
                    f"a function of the load let its session write on {self.database.label}: leave the "
                    "statement out that calls it, or load a restored instance (--restored)"
                )


def own(service: Service) -> Place:
    """The service's own instance; nothing is written there."""
    database = Database(
        f"{service.name}'s own database", "target", service.instance, service.login, plain=True
    )
    return Place("own", database, may_write=False, data=_data(service))


def shared(contract: Contract, service: Service) -> Place:
    """The shared database, as the service's gateway logs in there; nothing is written there."""
    login = service.shared or contract.source.application
    database = Database("shared database", "source", contract.source.endpoint, login, plain=True)
    path = () if service.shared else (service.schema_name, "public")
    return Place("shared", database, may_write=False, search_path=path)


def restored(service: Service) -> Place:
    """The instance restored beside the service's own, where a load may write as it likes.

    Raises RestoreInTheWay where there is none, LoadRefused where it does not run.
    """
    require_restored(service)
    scratch = beside(service)
    if not scratch.server.is_running():
        raise LoadRefused(
            f"the restored instance of {service.name} does not run: python -m operations restore "
            f"{service.name} --give-up, then python -m operations restore {service.name}"
        )
    return Place(
        "restored",
        replace(scratch.database(service.instance.database), plain=True),
        may_write=True,
        role=service.service.name,
        search_path=service.own_search_path,
        data=scratch.data,
    )


def _data(service: Service) -> Path | None:
    control = service.instance_control
    return Path(control.data) if control.platform == "local" else None


def counters(place: Place) -> Iterator[tuple[str, Any]]:
    """What its database has counted so far: rows and blocks read, blocks hit, temporary bytes."""
    with contextlib.closing(place.connect()) as session, place.database.translated("reading its counters"):
        row = session.execute(
            "SELECT blks_read, blks_hit, tup_returned, temp_bytes FROM pg_catalog.pg_stat_database"
            " WHERE datname = pg_catalog.current_database()"
        ).fetchone()
    yield from zip(("blocks_read", "blocks_hit", "rows_read", "temporary_bytes"), row or (), strict=False)
