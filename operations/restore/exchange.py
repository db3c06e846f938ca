"""The restored data become the service's own: its server, its port, its gateway; what it had is kept beside.

Steps can be run twice: what was killed in the middle is gone on with by the same command.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from components.contract import Contract, Service
from core.errors import RestoreFailed, WrongState
from core.gateway.gateway import Gateway
from core.sessions.session import Connection
from operations.backup.archive import Archive
from operations.backup.renew import begin_anew, held
from operations.restore.beside import beside, configure, give_up, require_restored, start, stop
from operations.restore.own import server_of
from operations.restore.scratch import Scratch
from servers.errors import ServerError

Step = Callable[[str], None]


@dataclass(frozen=True)
class Exchanged:
    """What was done."""

    kept: str
    """Folder of the data that the service had before."""
    pause_seconds: float
    """How long its clients waited."""


def exchange(
    contract: Contract,
    service: Service,
    archive: Archive,
    begun: Step,
    *,
    pause_timeout: float,
    rejoin: bool = False,
) -> Exchanged:
    """Stop the service's own server, put the restored data in its place, start it; clients wait meanwhile.

    With `rejoin` it may have replicated with the shared database: it comes back closed, following nobody, and
    clients go on waiting, until `migration rollback --quick` has brought both together.

    Raises RestoreInTheWay (nothing restored), WrongState (its replication with the shared database is
    alive), StepTimeout (a client's transaction does not end), RestoreFailed (the server refuses the data; the
    old ones are back then).
    """
    require_restored(service)
    scratch, data = beside(service), Path(service.instance_control.data)
    begun("looking whether it may be exchanged")
    if scratch.server.configured().get("listen_addresses") == "''":
        # Else an exchange that was killed was looked at, and has the service's own configuration already:
        # it must not be started in this folder.
        if rejoin:
            _close(scratch, service)
        else:
            _require_no_replication(scratch, service)
    gateway = Gateway(service, contract.source)
    leads_here = gateway.route() == "target"
    with ExitStack() as undo:
        undo.enter_context(held(archive))
        begin = time.monotonic()
        if leads_here:
            begun("pausing the gateway")
            gateway.pause(pause_timeout)
            if not rejoin:
                undo.callback(gateway.resume)
        begun("exchanging the data")
        kept = _exchange(service, scratch, data)
        begun("a new time-line in the archive")
        begin_anew(archive)
    pause = time.monotonic() - begin if leads_here else 0.0
    give_up(service)
    return Exchanged(str(kept), round(pause, 2))


def _require_no_replication(scratch: Scratch, service: Service) -> None:
    with closing(_session(scratch, service)) as session:
        row = session.execute(
            "SELECT (SELECT count(*) FROM pg_catalog.pg_subscription)"
            " + (SELECT count(*) FROM pg_catalog.pg_publication WHERE pubname LIKE 'waqiti%')"
        ).fetchone()
    if row is not None and row[0]:
        raise WrongState(
            f"{service.name} replicates with the shared database, which would be ahead of what was restored: "
            f"--swap --rejoin, then python -m migration rollback --quick --to own {service.name}"
        )


def _close(scratch: Scratch, service: Service) -> None:
    """Its guards' flag came back as it was, open; subscriptions would begin to follow as soon as they may."""
    flag = f"waqiti_migration.open_{service.name}"
    with closing(_session(scratch, service)) as session:
        there = session.execute("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", (flag,)).fetchone()
        if there != (True,):
            raise WrongState(
                f"what was restored of {service.name} is from before its move: restore it to a later time"
            )
        session.execute("SELECT pg_catalog.setval(%s::pg_catalog.regclass, 2)", (flag,))
        own = "SELECT subname FROM pg_catalog.pg_subscription WHERE subenabled AND subdbid = (SELECT oid"
        own += " FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
        for (name,) in session.execute(own.encode()).fetchall():
            session.execute(sql.SQL("ALTER SUBSCRIPTION {} DISABLE").format(sql.Identifier(name)))


def _session(scratch: Scratch, service: Service) -> Connection:
    start(service)
    return scratch.database(service.instance.database).connect()


def _exchange(service: Service, scratch: Scratch, data: Path) -> Path:
    server = server_of(service)
    if scratch.data.exists():
        stop(service)
    kept = data.with_name(f"{data.name}.before-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}")
    if scratch.data.exists():
        if data.exists():
            server.stop()
            data.rename(kept)
        configure(service, kept if kept.exists() else scratch.data)
        scratch.data.rename(data)
    try:
        server.start()
    except ServerError as error:
        server.stop("immediate")
        if kept.exists():
            data.rename(scratch.data)
            kept.rename(data)
            server.start()
        raise RestoreFailed(f"the restored data of {service.name} did not start: {error}") from None
    return kept
