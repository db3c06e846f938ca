"""The instance to come: a copy of the service's own, still empty, one, into which files are put.

It is what pg_upgrade does between two clusters: the states of the source's transactions in place of its own,
whose rows have all been frozen before; counters and WAL beyond the source's; files under the names of empty
tables; pointers to long values keep the number of the table that they point to.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from core.errors import DiskFull, FilesFailed, SchemaChanged
from core.sessions.queries import queries, statements
from core.sessions.session import Connection
from migration.catalog.tables import TableName
from migration.physical.control import CLEAN, Control, read_control, segment_after
from migration.physical.heaps import Heap, Relation
from migration.physical.places import Places
from migration.physical.private_server import PrivateServer
from servers import osuser
from servers.errors import ServerError

query = queries(__package__)
statement = statements(__package__)

_SECONDS = 600.0
_STATES = ("pg_xact", "pg_multixact")
_REFERRING = (
    ("pg_class", "oid"),
    ("pg_class", "reltoastrelid"),
    ("pg_attribute", "attrelid"),
    ("pg_index", "indrelid"),
)
"""All that names a table of long values, beside pg_depend."""
_ASIDE = 4_290_000_000
"""Numbers that nobody has, for the moment between two."""


@dataclass(frozen=True)
class Pair:
    """A table as it came and as it is to be."""

    there: Heap
    """Of the clone."""
    own: Heap

    def relations(self) -> Iterator[tuple[Relation, Relation]]:
        """Each file with the name it gets."""
        yield from zip(self.there.files(), self.own.files(), strict=True)


def pairs_of(there: Mapping[TableName, Heap], own: Mapping[TableName, Heap]) -> list[Pair]:
    """All tables that were chosen. Raises SchemaChanged when one is another now."""
    pairs = []
    for name, heap in own.items():
        came = there.get(name)
        why = "it is gone" if came is None else came.why_not or came.unlike(heap)
        if came is None or why is not None:
            raise SchemaChanged(f"{name} was changed while it was brought ({why}); start it again")
        pairs.append(Pair(came, heap))
    return pairs


def graft(
    server: PrivateServer, database: str, pairs: Sequence[Pair], clone: Control, stop: threading.Event
) -> None:
    """Make the server's folder: the instance's, which is stopped for it, with the clone's files in it.

    Raises FilesFailed, Interrupted. The instance's own folder is only read.
    """
    places = server.places
    try:
        places.server.stop()
    except ServerError as error:
        raise FilesFailed(f"the instance could not be stopped: {error}") from None
    _run("cp", "-Rp", places.data, places.own)
    server.start({}, stop, _SECONDS)
    databases = _freeze(server)
    server.stop()
    _take_states(places, clone)
    for pair in pairs:
        for came, own in pair.relations():
            _put(places, came.path, own.path)
    server.start({}, stop, _SECONDS)
    for name in databases:
        with server.session(name) as connection, connection.transaction():
            _age(connection, clone)
            if name == database:
                _tell(connection, pairs)
                _number(connection, _numbers(places, pairs))
    server.stop()
    state = read_control(places.binaries, places.own).state
    if state != CLEAN:
        raise FilesFailed(f"{places.own} is {state}, not {CLEAN}; `start` it again")
    _run(places.binaries / "initdb", "--sync-only", "-D", places.own)


def exchange(places: Places) -> None:
    """The instance to come is the instance. Raises FilesFailed; the one before runs then."""
    if places.server.is_running():
        raise FilesFailed(f"somebody started the instance of {places.data} meanwhile; start it again later")
    places.data.rename(places.before)
    places.own.rename(places.data)
    try:
        places.server.start()
    except ServerError as error:
        places.server.stop("immediate")
        places.data.rename(places.own)
        places.before.rename(places.data)
        raise FilesFailed(f"the instance did not start with what came: {error}") from None


def set_next_number(places: Places, number: int) -> None:
    """Let the instance, which is stopped, go on with this number. Raises FilesFailed."""
    _run(places.binaries / "pg_resetwal", "-o", str(number), "-D", str(places.data))


def _run(*argv: str | Path) -> None:
    program = shutil.which(str(argv[0])) or argv[0]
    try:
        osuser.run([program, *argv[1:]])
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1]
        kind = DiskFull if os.strerror(errno.ENOSPC) in said else FilesFailed
        raise kind(f"{Path(argv[0]).name} failed: {said}") from None


def _freeze(server: PrivateServer) -> list[str]:
    """No row of any database needs to know how its transaction ended; returns the databases."""
    closed = "UPDATE pg_catalog.pg_database SET datallowconn = true WHERE NOT datallowconn"
    with server.session() as connection:
        connection.execute(closed)
        rows = connection.execute("SELECT datname FROM pg_catalog.pg_database ORDER BY 1").fetchall()
    names = [str(row[0]) for row in rows]
    for name in names:
        with server.session(name) as connection:
            connection.execute("VACUUM (FREEZE, DISABLE_PAGE_SKIPPING)")
    return names


def _take_states(places: Places, clone: Control) -> None:
    own = read_control(places.binaries, places.own)
    if own.state != CLEAN:
        raise FilesFailed(f"{places.own} is {own.state}, not {CLEAN}; `start` it again")
    for name in _STATES:
        shutil.rmtree(places.own / name)
        _run("cp", "-Rp", places.clone / name, places.own / name)
    _run(
        places.binaries / "pg_resetwal",
        *("-x", str(clone.next_xid), "-e", str(clone.next_epoch), "-u", str(clone.oldest_xid)),
        *("-m", f"{clone.next_multi},{clone.oldest_multi}", "-O", str(clone.next_offset)),
        *("-l", segment_after(clone, own), "-D", str(places.own)),
    )


def _put(places: Places, came: str, own: str) -> None:
    """Under the other's name: every segment and every fork; what was there before is removed."""
    target = places.own / own
    for old in _of(target):
        old.unlink()
    for file in _of(places.clone / came):
        rest = file.name.removeprefix(Path(came).name)
        file.rename(target.with_name(target.name + rest))


def _of(path: Path) -> list[Path]:
    if not path.parent.is_dir():
        return []
    found = (path, *path.parent.glob(f"{path.name}.*"), *path.parent.glob(f"{path.name}_*"))
    return [file for file in found if file.exists()]


def _age(connection: Connection, clone: Control) -> None:
    """No row is older than where the counters go on; those that came are said afterwards."""
    connection.execute(
        "UPDATE pg_catalog.pg_class SET relfrozenxid = %s::text::pg_catalog.xid,"
        " relminmxid = %s::text::pg_catalog.xid WHERE relkind IN ('r', 'm', 't')",
        [clone.next_xid, clone.next_multi],
    )
    connection.execute(
        "UPDATE pg_catalog.pg_database SET datfrozenxid = %s::text::pg_catalog.xid,"
        " datminmxid = %s::text::pg_catalog.xid, datallowconn = datname <> 'template0'"
        " WHERE datname = pg_catalog.current_database()",
        [clone.oldest_xid, clone.oldest_multi],
    )


def _tell(connection: Connection, pairs: Sequence[Pair]) -> None:
    both = [relations for pair in pairs for relations in pair.relations()]
    came = [there for there, _ in both]
    connection.execute(
        query("ages"),
        {
            "paths": [own.path for _, own in both],
            "frozen": [one.frozen for one in came],
            "multi": [one.multi for one in came],
            "pages": [one.pages for one in came],
            "tuples": [one.tuples for one in came],
            "visible": [one.visible for one in came],
        },
    )


def _numbers(places: Places, pairs: Sequence[Pair]) -> dict[int, int]:
    """The number that each table of long values has, and the one that pointers to it hold."""
    numbers = {}
    for pair in pairs:
        if pair.there.toast is None or pair.own.toast is None or pair.there.toast == pair.own.toast:
            continue
        file = places.own / pair.own.toast_relations[0].path
        if file.exists() and file.stat().st_size:
            numbers[pair.own.toast] = pair.there.toast
    return numbers


def _number(connection: Connection, numbers: Mapping[int, int]) -> None:
    if not numbers:
        return
    taken = connection.execute(
        "SELECT oid::bigint FROM pg_catalog.pg_class WHERE oid = ANY(%s::bigint[]::pg_catalog.oid[])"
        " AND NOT oid = ANY(%s::bigint[]::pg_catalog.oid[])",
        [list(numbers.values()), list(numbers)],
    ).fetchall()
    if taken:
        raise FilesFailed(f"the number {taken[0][0]} is another table's already; use --physical never")
    aside = {old: _ASIDE + place for place, old in enumerate(numbers)}
    _renumber(connection, aside)
    _renumber(connection, {aside[old]: new for old, new in numbers.items()})


def _renumber(connection: Connection, numbers: Mapping[int, int]) -> None:
    values = [list(numbers), list(numbers.values())]
    for table, column in _REFERRING:
        named = {"table": sql.Identifier(table), "column": sql.Identifier(column)}
        connection.execute(statement("renumber").format(**named), values)
    for number, kind in (("objid", "classid"), ("refobjid", "refclassid")):
        named = {"number": sql.Identifier(number), "kind": sql.Identifier(kind)}
        connection.execute(statement("renumber_depend").format(**named), values)
