"""What makes each alarm fire: the thing itself, not a figure that says so. Each ends with its context."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg import sql

from components.contract import LocalGatewayControl
from core.gateway.console import Console
from core.sessions.session import Connection
from tests.support.archives import until
from tests.support.gateways import CONSOLE
from tests.support.watched import OWNER, SERVICE, Watched

_WAL = "SELECT pg_logical_emit_message(false, 'it', repeat('x', 1000000)) FROM generate_series(1, 48)"


def prepare(watched: Watched) -> None:
    """What the causes work on, and an archive that has begun."""
    kept = watched.kept

    def begun() -> bool:
        # A backup that is scheduled waits for a checkpoint, which else takes minutes.
        kept.execute("CHECKPOINT")
        time.sleep(0.5)
        return any(one.is_whole for one in kept.backups())

    until(begun, "no first backup", 120)
    kept.execute("SELECT pg_logical_emit_message(false, 'it', 'x'), pg_switch_wal()")
    until(kept.archive.wals.is_dir, "nothing is archived", 60)
    watched.kept.execute("CREATE TABLE counted (id int PRIMARY KEY, n int)")
    watched.kept.execute("INSERT INTO counted SELECT i, 0 FROM generate_series(1, 10) i")
    watched.kept.execute("CREATE TABLE orders AS SELECT true AS paid FROM generate_series(1, 100)")
    watched.kept.execute(f"ALTER TABLE orders OWNER TO {OWNER}")
    # Larger than a quarter of shared_buffers: a scan reads all of it past the cache, each time.
    watched.kept.execute(
        "CREATE TABLE large AS SELECT i, repeat('x', 500) AS filler FROM generate_series(1, 90000) i"
    )


def connect(watched: Watched) -> Connection:
    """As an application does, with nothing that the migration sets."""
    end, login = watched.kept.database.endpoint, watched.kept.database.login
    return psycopg.connect(
        host=end.host, hostaddr=end.address, port=end.port, dbname=end.database, user=login.name,
        password=login.password.get_secret_value(), sslmode=end.sslmode, sslrootcert=end.sslrootcert or "",
        autocommit=True, prepare_threshold=None,
    )  # fmt: skip


@contextmanager
def session(watched: Watched) -> Iterator[Connection]:
    with closing(connect(watched)) as connection:
        connection.autocommit = False
        yield connection


@contextmanager
def again_and_again(act: Callable[[], object], pause: float) -> Iterator[None]:
    """Do something in a thread until the context ends; what fails is tried again."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(pause):
            with suppress(psycopg.Error, OSError):
                act()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


@contextmanager
def connections_out(watched: Watched) -> Iterator[None]:
    """Sessions that stay."""
    with ExitStack() as held:
        for _ in range(24):
            held.enter_context(session(watched))
        yield


@contextmanager
def lock_waits(watched: Watched) -> Iterator[None]:
    """A session that waits for a row of another's, which is also open for long."""
    with session(watched) as holder:
        holder.execute("UPDATE counted SET n = 1 WHERE id = 1")

        def wait() -> None:
            with session(watched) as waiting:
                waiting.execute("SET LOCAL lock_timeout = '20s'")
                waiting.execute("UPDATE counted SET n = 2 WHERE id = 1")

        with again_and_again(wait, 0.05):
            yield
            holder.rollback()


@contextmanager
def deadlock(watched: Watched) -> Iterator[None]:
    """Two sessions that wait for each other."""

    def first_and_second(first: int, second: int, met: threading.Barrier) -> None:
        with suppress(psycopg.errors.DeadlockDetected), session(watched) as one:
            one.execute("SET LOCAL deadlock_timeout = '100ms'")
            one.execute("UPDATE counted SET n = n + 1 WHERE id = %s", [first])
            met.wait(10)
            one.execute("UPDATE counted SET n = n + 1 WHERE id = %s", [second])

    met = threading.Barrier(2)
    threads = [threading.Thread(target=first_and_second, args=(*pair, met)) for pair in ((2, 3), (3, 2))]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join(10)


@contextmanager
def rolled_back(watched: Watched) -> Iterator[None]:
    """Transactions that fail, one after the other."""
    with closing(connect(watched)) as failing:

        def fail() -> None:
            # PostgreSQL does not tell of a session's transactions before it has touched a table.
            failing.execute("BEGIN")
            failing.execute("UPDATE counted SET n = n + 1 WHERE id = 8")
            failing.execute("ROLLBACK")

        with again_and_again(fail, 0.02):
            yield


@contextmanager
def slot_kept(watched: Watched) -> Iterator[None]:
    """A slot that nobody reads, and WAL."""
    kept = watched.kept
    kept.execute("SELECT pg_create_physical_replication_slot('forgotten', true)")
    kept.execute(_WAL)
    yield
    kept.execute("SELECT pg_drop_replication_slot('forgotten')")


@contextmanager
def checkpoints(watched: Watched) -> Iterator[None]:
    """Checkpoints that are asked for all the time."""

    def force() -> None:
        watched.kept.execute("UPDATE counted SET n = n + 1 WHERE id = 9")
        watched.kept.execute("CHECKPOINT")

    with again_and_again(force, 0.3):
        yield


@contextmanager
def cache_missed(watched: Watched) -> Iterator[None]:
    """A table is scanned that the cache does not take in."""
    with closing(connect(watched)) as reading:
        reading.execute("SET max_parallel_workers_per_gather = 0")
        with again_and_again(lambda: reading.execute("SELECT count(filler) FROM large"), 0.1):
            yield


@contextmanager
def numbers_used_up(watched: Watched) -> Iterator[None]:
    """Transactions that nobody freezes."""
    kept = watched.kept
    kept.execute(
        "CREATE PROCEDURE burn() LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..24000 LOOP"
        " PERFORM pg_catalog.pg_current_xact_id(); COMMIT; END LOOP; END $$"
    )
    with kept.database.connect() as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("CALL burn()")
    yield
    kept.execute("ALTER DATABASE template0 ALLOW_CONNECTIONS true")
    for name in ("postgres", "template0", "template1", kept.database.endpoint.database):
        with kept.cluster.database(name).connect() as connection:
            connection.execute("VACUUM (FREEZE)")
    kept.execute("ALTER DATABASE template0 ALLOW_CONNECTIONS false")


@contextmanager
def gateway_crowded(watched: Watched) -> Iterator[None]:
    """Clients, more than the gateway likes."""
    with ExitStack() as held:
        for _ in range(24):
            held.enter_context(closing(watched.endpoint.connect()))
        yield


@contextmanager
def gateway_paused(watched: Watched) -> Iterator[None]:
    """PAUSE at its console, and a client that waits for its end."""
    control = LocalGatewayControl(
        sockets=str(watched.gateway.sockets),
        port=watched.gateway.port,
        administrator=CONSOLE,
        routes="",
        service_userlist="",
    )
    with Console(control, "the gateway") as console, closing(watched.endpoint.connect()) as client:
        console.command(sql.SQL("PAUSE"))
        with again_and_again(lambda: client.execute("SELECT 1"), 0.1):
            yield
            console.command(sql.SQL("RESUME"))


@contextmanager
def certificate_short(watched: Watched) -> Iterator[None]:
    """Another certificate is there, which is good for five days."""
    file = Path(watched.control.services[SERVICE].certificate)
    before = file.read_bytes()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", str(file.with_name("short.key")), "-out", str(file), "-days", "5", "-subj", "/CN=short"],
        check=True, capture_output=True,
    )  # fmt: skip
    file.chmod(0o644)
    yield
    file.write_bytes(before)


@contextmanager
def disk_filled(watched: Watched) -> Iterator[None]:
    """A file that takes what was left."""
    file = Path(watched.control.services[SERVICE].data) / "filler"
    file.write_bytes(b"\0" * 19 * 1024**2)
    yield
    file.unlink()


@contextmanager
def archive_closed(watched: Watched) -> Iterator[None]:
    """What was received cannot be put into the archive."""
    folder = watched.kept.archive.wals
    mode = folder.stat().st_mode
    for part in (folder, *(one for one in folder.iterdir() if one.is_dir())):
        part.chmod(0o500)
    watched.kept.execute("SELECT pg_logical_emit_message(false, 'filler', 'x'), pg_switch_wal()")
    yield
    for part in (folder, *(one for one in folder.iterdir() if one.is_dir())):
        part.chmod(mode)


@contextmanager
def receiver_refused(watched: Watched) -> Iterator[None]:
    """The server does not let in who receives WAL."""
    kept = watched.kept
    role = kept.contract.services[SERVICE].backup.name
    kept.execute(f"ALTER ROLE {role} NOLOGIN")
    kept.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
    yield
    kept.execute(f"ALTER ROLE {role} LOGIN")


@contextmanager
def instance_down(watched: Watched) -> Iterator[None]:
    """The server is stopped."""
    watched.kept.cluster.server.stop()
    yield
    watched.kept.cluster.server.start()


@contextmanager
def gateway_down(watched: Watched) -> Iterator[None]:
    """The gateway is stopped."""
    watched.gateway.stop(timeout=1)
    yield
    watched.gateway.start()


@contextmanager
def nobody_backs_up(watched: Watched) -> Iterator[None]:
    """Who fills the archive is killed."""
    watched.kept.stop_supervisor()
    yield
    watched.kept.start_supervisor()


@contextmanager
def no_backup(watched: Watched) -> Iterator[None]:
    """None is taken; then one is, as the alarm's page says."""
    yield
    watched.kept.start_supervisor()
    watched.kept.operations("backup", SERVICE)


@contextmanager
def exporter_hangs(watched: Watched) -> Iterator[None]:
    """Our exporter does not answer, without having ended."""
    pid = watched.program("waqiti")
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    yield
    os.kill(pid, signal.SIGCONT)


def wait_for(watched: Watched, there: set[str], seconds: float) -> dict[str, float]:
    """Seconds until each alarm of `there` fired, of those that did within `seconds`."""
    begun, found = time.monotonic(), dict[str, float]()
    while there - found.keys() and time.monotonic() - begun < seconds:
        for name in (watched.alarms() & there) - found.keys():
            found[name] = round(time.monotonic() - begun, 1)
        time.sleep(0.3)
    return found


def wait_until_gone(watched: Watched, names: set[str], seconds: float) -> set[str]:
    """Those that still fire after `seconds` at most."""
    deadline = time.monotonic() + seconds
    while (left := watched.alarms() & names) and time.monotonic() < deadline:
        time.sleep(0.3)
    return left
