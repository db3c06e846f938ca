"""What goes wrong in a copy ends it at once, with one clear error; doing it again puts all right."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from psycopg import sql

from core.errors import (
    ConnectionLost,
    CopyFailed,
    DiskFull,
    Interrupted,
    MigrationError,
    SourceUnreachable,
    TargetUnreachable,
)
from core.progress.interface import Silent
from core.sessions.connections import Database
from migration.copy.tables import CopiedTable, CopySizes, CopyTask, copy_tables
from servers import paths
from tests.support import copies
from tests.support.clusters import Clusters
from tests.support.disks import small_disk
from tests.support.processes import children
from tests.support.proxy import Proxy

pytestmark = pytest.mark.integration

ROWS = 60_000
PAIR = CopySizes(in_process=-1)
RANGES = CopySizes(in_process=-1, smallest_piece=2 * 1024**2, smallest_crew=2)
IN_PROCESS = CopySizes(in_process=2**40)

TABLES = """
    CREATE SCHEMA shop;
    CREATE TABLE shop.orders (id int, filler text);
    CREATE TABLE shop.points (id int, at point[], kind regclass, filler text);
"""
ROWS_OF_ORDERS = "INSERT INTO shop.orders SELECT k, repeat(md5(k::text), 3) FROM generate_series(1, %s) k"
ROWS_OF_POINTS = """
    INSERT INTO shop.points SELECT k, ARRAY[point(k, k)], 'shop.orders', repeat(md5(k::text), 3)
    FROM generate_series(1, %s) k
"""
SLOW = """
    CREATE FUNCTION shop.wait() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END $$;
    CREATE TRIGGER slow BEFORE INSERT ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.wait();
    ALTER TABLE shop.orders ENABLE ALWAYS TRIGGER slow;
    CREATE TRIGGER slow BEFORE INSERT ON shop.points FOR EACH ROW EXECUTE FUNCTION shop.wait();
    ALTER TABLE shop.points ENABLE ALWAYS TRIGGER slow;
"""
QUICK = "DROP FUNCTION shop.wait() CASCADE"


def run_on(database: Database, statement: str) -> None:
    with database.connect() as connection:
        connection.execute(statement.encode())


def count(database: Database, table: str = "orders") -> int:
    with database.connect() as connection:
        row = connection.execute(
            sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("shop", table))
        ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def ends(source_database: Database, target_database: Database) -> tuple[Database, Database]:
    with source_database.connect() as connection:
        connection.execute(TABLES)
        connection.execute(ROWS_OF_ORDERS, [ROWS])
        connection.execute(ROWS_OF_POINTS, [ROWS])
        connection.execute("ANALYZE")
    run_on(target_database, TABLES)
    return source_database, target_database


def copy(
    source: Database,
    target: Database,
    sizes: CopySizes = PAIR,
    stop: threading.Event | None = None,
    *,
    only: str | None = None,
    seen_as: Database | None = None,
) -> list[CopiedTable]:
    """Copies `shop`; `seen_as`: the source as the copy reaches it (through a proxy)."""
    tasks = [task for task in copies.tasks_of(source, target, "shop") if only in {None, task.table.name.name}]
    with copies.exported_snapshot(source) as snapshot:
        return copy_tables(
            seen_as or source,
            tasks,
            snapshot,
            workers=6,
            progress=Silent(),
            stop=stop or threading.Event(),
            sizes=sizes,
        )


@contextmanager
def meanwhile(action: Callable[[], object]) -> Iterator[None]:
    """Runs `action` in a thread of its own."""
    thread = threading.Thread(target=action)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def until_copying(target: Database, table: str = "orders") -> None:
    """Returns as soon as a COPY into the table runs."""
    with target.connect() as connection:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if connection.execute(
                "SELECT 1 FROM pg_stat_progress_copy WHERE relid = %s::regclass AND tuples_processed > 0",
                [f"shop.{table}"],
            ).fetchone():
                return
            time.sleep(0.01)
    pytest.fail("no COPY was seen")


def assert_all_there(source: Database, target: Database) -> None:
    for task in copies.tasks_of(source, target, "shop"):
        assert copies.rows_of(target, task.table.name) == copies.rows_of(source, task.table.name)


def assert_no_client_left() -> None:
    assert [child for child in children() if "psql" in child.name] == []


@pytest.mark.parametrize("sizes", [PAIR, RANGES, IN_PROCESS], ids=["clients", "ranges", "in process"])
def test_a_stop_ends_it_within_a_second(ends: tuple[Database, Database], sizes: CopySizes) -> None:
    run_on(ends[1], SLOW)
    stop = threading.Event()
    stopped: list[float] = []

    def press() -> None:
        until_copying(ends[1], "points")
        stopped.append(time.monotonic())
        stop.set()

    with meanwhile(press), pytest.raises(Interrupted):
        copy(*ends, sizes, stop)
    assert time.monotonic() - stopped[0] < 1.0
    assert_no_client_left()


def test_a_stop_ends_waiting_for_a_lock(ends: tuple[Database, Database]) -> None:
    stop = threading.Event()
    with ends[1].connect(autocommit=False) as other:
        other.execute("LOCK TABLE shop.orders IN ACCESS SHARE MODE")
        threading.Timer(0.7, stop.set).start()
        started = time.monotonic()
        with pytest.raises(Interrupted):
            copy(*ends, IN_PROCESS, stop)
    assert time.monotonic() - started < 1.7 + 1.0  # the catalogue and the points take their time


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("sizes", [PAIR, RANGES, IN_PROCESS], ids=["clients", "ranges", "in process"])
def test_a_cut_connection_is_said_and_doing_it_again_puts_all_right(
    ends: tuple[Database, Database], side: str, sizes: CopySizes
) -> None:
    source, target = ends
    cut_one = source if side == "source" else target
    with Proxy.to(cut_one) as proxy:
        seen = proxy.seen_through(cut_one)
        proxy.cut_after(1 * 1024**2)
        into = target if side == "source" else seen
        # The one cut off while it copies may be the second to notice: another was about to connect.
        said = rf"{side} .*(copying shop\.|does not answer)"
        with pytest.raises((ConnectionLost, SourceUnreachable, TargetUnreachable), match=said) as raised:
            copy(source, into, sizes, seen_as=seen if side == "source" else source)
    assert "\n" not in str(raised.value)
    assert_no_client_left()
    copy(source, target, sizes)
    assert_all_there(source, target)


@pytest.mark.parametrize("table", ["orders", "points"], ids=["binary", "text"])
def test_a_killed_client_of_the_source_is_not_the_end_of_the_rows(
    ends: tuple[Database, Database], table: str
) -> None:
    run_on(ends[1], SLOW)

    def kill() -> None:
        until_copying(ends[1], table)
        next(child for child in children() if "TO STDOUT" in child.command).kill()

    with meanwhile(kill), pytest.raises(MigrationError, match=f"source .*copying shop.{table}"):
        copy(*ends, only=table)
    assert count(ends[1], table) == 0
    assert_no_client_left()


def test_a_session_that_an_administrator_ends_is_a_lost_connection(ends: tuple[Database, Database]) -> None:
    run_on(ends[1], SLOW)

    def end() -> None:
        until_copying(ends[1])
        run_on(ends[1], "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_copy")

    with meanwhile(end), pytest.raises(ConnectionLost, match=r"target .*administrator command"):
        copy(*ends, only="orders")


@pytest.mark.parametrize("sizes", [PAIR, RANGES, IN_PROCESS], ids=["clients", "ranges", "in process"])
def test_a_row_that_the_target_refuses_is_named_without_its_values(
    ends: tuple[Database, Database], sizes: CopySizes
) -> None:
    run_on(ends[1], "ALTER TABLE shop.orders ADD CONSTRAINT small CHECK (id < 50000)")
    with pytest.raises(CopyFailed, match=r'copying shop\.orders: .*"small" \[23514\]') as raised:
        copy(*ends, sizes)
    assert "50000" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_table_that_is_missing_on_the_target_is_named(ends: tuple[Database, Database]) -> None:
    run_on(ends[1], "DROP TABLE shop.orders")
    with pytest.raises(CopyFailed, match=r"shop\.orders.* does not exist"):
        copy(*ends)


def test_a_snapshot_that_is_gone_is_refused(ends: tuple[Database, Database]) -> None:
    tasks = copies.tasks_of(*ends, "shop")
    with pytest.raises(CopyFailed, match="snapshot"):
        copy_tables(
            ends[0],
            tasks,
            "00000003-00000002-1",
            workers=6,
            progress=Silent(),
            stop=threading.Event(),
            sizes=PAIR,
        )


def test_rows_left_by_a_copy_that_was_killed_are_not_doubled(ends: tuple[Database, Database]) -> None:
    with ends[1].connect() as connection:
        connection.execute(ROWS_OF_ORDERS, [17])
    for sizes in (PAIR, RANGES, IN_PROCESS):
        copy(*ends, sizes)
        assert_all_there(*ends)


def test_a_session_left_by_a_killed_copy_is_ended(ends: tuple[Database, Database]) -> None:
    orphan = ends[1].connect(autocommit=False, application_name="waqiti-copy-1")
    orphan.execute(ROWS_OF_ORDERS, [17])
    copy(*ends, RANGES)
    assert_all_there(*ends)
    orphan.close()


def test_guards_and_triggers_of_the_target_let_a_copy_pass(ends: tuple[Database, Database]) -> None:
    run_on(
        ends[1],
        """
        CREATE FUNCTION shop.refuse() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RAISE EXCEPTION 'closed'; END $$;
        CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON shop.orders
            EXECUTE FUNCTION shop.refuse();
        """,
    )
    for sizes in (PAIR, RANGES, IN_PROCESS):
        copy(*ends, sizes)
    assert_all_there(*ends)


def test_tables_of_several_services_go_to_their_own_targets(
    ends: tuple[Database, Database], clusters: Clusters
) -> None:
    source, first = ends
    cluster = clusters.get("target", 17)
    second = cluster.new_database()
    try:
        run_on(second, TABLES)
        tasks = [
            CopyTask(target.label, task.table, target)
            for target, name in ((first, "orders"), (second, "points"))
            for task in copies.tasks_of(source, target, "shop")
            if task.table.name.name == name
        ]
        seen: list[CopiedTable] = []
        with copies.exported_snapshot(source) as snapshot:
            done = copy_tables(
                source,
                tasks,
                snapshot,
                workers=6,
                progress=Silent(),
                stop=threading.Event(),
                copied=seen.append,
            )
        assert {(table.service, table.rows) for table in done} == {(first.label, ROWS), (second.label, ROWS)}
        assert sorted(seen, key=str) == sorted(done, key=str)
        assert (count(first, "orders"), count(first, "points")) == (ROWS, 0)
        assert (count(second, "orders"), count(second, "points")) == (0, ROWS)
    finally:
        cluster.drop_database(second)


def test_no_command_line_and_no_environment_of_a_client_holds_the_password(
    ends: tuple[Database, Database],
) -> None:
    run_on(ends[1], SLOW)
    stop = threading.Event()
    seen: list[str] = []

    def look() -> None:
        until_copying(ends[1])
        seen.extend(child.command + child.environment for child in children() if "psql" in child.name)
        stop.set()

    with meanwhile(look), pytest.raises(Interrupted):
        copy(*ends, stop=stop)
    password = ends[0].login.password.get_secret_value()
    assert len(seen) >= 2
    assert not [text for text in seen if password in text]


def test_rows_committed_after_the_snapshot_stay_out(ends: tuple[Database, Database]) -> None:
    source, target = ends
    tasks = copies.tasks_of(source, target, "shop")
    with copies.exported_snapshot(source) as snapshot:
        with source.connect() as connection:
            connection.execute(ROWS_OF_ORDERS, [5000])
            connection.execute("DELETE FROM shop.points")
            connection.execute("UPDATE shop.orders SET filler = '' WHERE id < 100")
        for sizes in (PAIR, RANGES, IN_PROCESS):
            done = copy_tables(
                source,
                tasks,
                snapshot,
                workers=6,
                progress=Silent(),
                stop=threading.Event(),
                sizes=sizes,
            )
            assert {table.rows for table in done} == {ROWS}


def test_a_disk_that_fills_up_is_named_with_side_and_table(
    source_database: Database, clusters: Clusters
) -> None:
    with source_database.connect() as connection:
        connection.execute(TABLES)
        connection.execute(ROWS_OF_ORDERS, [18 * ROWS])
    with small_disk(40) as disk, clusters.private("target", 17) as cluster:
        tables = disk / "tables"
        paths.make_private(tables)
        target = cluster.new_database()
        # The tables alone: a server whose WAL has no room left ends, before it can say anything.
        run_on(cluster.database(), f"CREATE TABLESPACE small LOCATION '{tables}'")
        run_on(cluster.database(), f"ALTER DATABASE {target.endpoint.database} SET TABLESPACE small")
        run_on(target, TABLES)
        with pytest.raises(DiskFull, match=r"target .* while copying shop\.orders"):
            copy(source_database, target)
    assert_no_client_left()
