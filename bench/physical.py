"""Tables as files of a base backup against a copy of their rows: `--physical always` and `never`, by turns.

    python -m bench.physical [--megabytes 700] [--share 0.6] [--indexes 1] [--rounds 5] [--version 17]

Each value may be a list with commas; every combination is a cell. In a cell a shared database of so many
megabytes of tables holds one service with that share of them, and neighbours with the rest. A start of the
service, to a server of the same version, is measured from its first step to its last, with indexes, keys,
subscription and catch-up, then taken back. Seconds are the clock's; processor seconds are those of this
process and of all servers and programs below it. `auto` says which way the program would have chosen.
The last line is JSON.
"""

from __future__ import annotations

import argparse
import ctypes
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import psutil
from psycopg import sql

from bench import common
from components.contract import Contract, LocalGatewayControl, LocalInstanceControl, Service, Source
from core.sessions.connections import Database
from core.sessions.stack import source_database, target_database
from migration.copy.pace import CopyPace
from migration.examine.read_plan import read_plan
from migration.journal.journal import open_journal
from migration.moves.online import Online
from migration.physical.choose import Physical, look
from migration.steps.runner import Runner
from servers.postgres import PostgresServer

OWNER, SCHEMA = "bench_owner", "bench_schema"
WAYS: tuple[Physical, ...] = ("always", "never")
_ROWS_PER_MEGABYTE = 7_700
"""Of the table below, without its indexes."""
_INDEXED: tuple[LiteralString, ...] = ("branch", "name", "lower(name)", "id DESC", "branch, id")
_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of prctl(2): servers that go to the background stay below this process."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", default="700")
    parser.add_argument("--share", default="0.6")
    parser.add_argument("--indexes", default="1", help="beside the primary key")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--version", type=int, default=17)
    options = parser.parse_args()
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    cells = [
        _cell(int(megabytes), float(share), int(indexes), options)
        for megabytes in options.megabytes.split(",")
        for share in options.share.split(",")
        for indexes in options.indexes.split(",")
    ]
    common.conclude(
        {
            "version": options.version,
            "rounds": options.rounds,
            "cells": cells,
            "auto_right": sum(cell["auto_right"] for cell in cells),
            "of": len(cells),
            **common.machine(),
        }
    )


def _cell(megabytes: int, share: float, indexes: int, options: argparse.Namespace) -> dict[str, Any]:
    with _servers(options.version) as (source, target):
        contract = _contract(source, target, options.version)
        service = contract.services["bench"]
        _fill(source_database(contract), megabytes, share, indexes)
        seconds: dict[str, list[float]] = {way: [] for way in WAYS}
        processor: dict[str, list[float]] = {way: [] for way in WAYS}
        for number in range(options.rounds):
            for way in WAYS[:: 1 if number % 2 else -1]:
                wall, busy = _start(contract, way)
                seconds[way].append(wall)
                processor[way].append(busy)
                common.say(f"{megabytes} MB, {share}, {indexes}: {way} {wall:.2f} s, processor {busy:.2f} s")
        tables = read_plan(contract, [service]).services["bench"].tables
        guess = look(
            service, source_database(contract), target_database(service), tables, replicas=False
        ).estimate
    clock = {way: common.median(values) for way, values in seconds.items()}
    busy_s = {way: common.median(values) for way, values in processor.items()}
    quicker = "files" if clock["always"] < clock["never"] else "copy"
    return {
        "megabytes": megabytes, "share": share, "indexes": indexes, "seconds": clock, "processor": busy_s,
        "times_as_fast": round(clock["never"] / clock["always"], 2),
        "processor_part": round(busy_s["always"] / busy_s["never"], 2),
        "estimates": {"copy": round(guess.copy, 1), "files": round(guess.files or 0.0, 1)},
        "quicker": quicker, "auto": guess.quicker, "auto_right": quicker == guess.quicker,
    }  # fmt: skip


@contextmanager
def _servers(version: int) -> Iterator[tuple[PostgresServer, PostgresServer]]:
    hba = (*common.HBA, "host replication all 127.0.0.1/32 scram-sha-256")
    with (
        common.work_folder() as folder,
        common.running_server(folder / "source", version) as source,
        common.running_server(folder / "target", version) as target,
    ):
        source.configure(common.PARAMETERS, hba)
        source.reload()
        yield source, target


def _fill(source: Database, megabytes: int, share: float, indexes: int) -> None:
    with source.connect() as connection:
        for schema, part in ((SCHEMA, share), ("neighbour", 1 - share)):
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
            for number in range(2):
                table = sql.Identifier(schema, f"accounts_{number}")
                rows = int(megabytes * part * _ROWS_PER_MEGABYTE / 2)
                connection.execute(
                    sql.SQL(
                        "CREATE TABLE {} AS SELECT i AS id, (i * 7919::bigint) %% 1000003 AS branch,"
                        " md5(i::text) AS name, repeat('x', 40) AS filler FROM generate_series(1, %s) i"
                    ).format(table),
                    [rows],
                )
                connection.execute(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY (id)").format(table))
                for column in _INDEXED[:indexes]:
                    connection.execute(sql.SQL("CREATE INDEX ON {} ({})").format(table, sql.SQL(column)))
        connection.execute("VACUUM ANALYZE")


def _start(contract: Contract, way: Physical) -> tuple[float, float]:
    """(seconds of the clock, of processors)."""
    service = contract.services["bench"]
    for database in (source_database(contract), target_database(service)):
        with database.connect() as connection:
            connection.execute("CHECKPOINT")
    with open_journal(source_database(contract), contract) as journal:
        online = Online(contract, Runner(journal), workers=2, pace=CopyPace(watched=False), physical=way)
        plan = read_plan(contract, [service])
        busy, begun = _processor(), time.monotonic()
        online.start(service, plan)
        measured = time.monotonic() - begun, _processor() - busy
        online.abort(service, plan)
    return measured


def _processor() -> float:
    """Seconds of this process, of what it has waited for, and of all that lives or lies dead below it."""
    own = sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )
    return own + sum(_of(process) for process in psutil.Process().children(recursive=True))


def _of(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _contract(source: PostgresServer, target: PostgresServer, version: int) -> Contract:
    shared = common.database(source, "source", "shared")
    own = common.database(target, "target", "own")
    for server, name in ((source, "shared"), (target, "own")):
        with common.database(server, "source", "postgres").connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            if name == "own":
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(OWNER)))
                connection.execute(sql.SQL("ALTER DATABASE own OWNER TO {}").format(sql.Identifier(OWNER)))
    login, nowhere = common.ADMINISTRATOR, "/nonexistent"
    service = Service(
        name="bench", schema_name=SCHEMA, endpoint=own.endpoint, instance=own.endpoint, version=version,
        owner=OWNER, service=login, migration=login, monitoring=login, backup=login,
        gateway_control=LocalGatewayControl(
            sockets=nowhere, port=1, administrator=login, routes=nowhere, service_userlist=nowhere
        ),
        instance_control=LocalInstanceControl(
            binaries=str(target.binaries), data=str(target.data), sockets=str(target.sockets)
        ),
        pool_maximum=1,
    )  # fmt: skip
    return Contract(
        project="bench", stack="bench", platform="local", program="0", catalogue_digest="",
        source=Source(endpoint=shared.endpoint, administrator=shared.login, application=shared.login),
        services={"bench": service},
    )  # fmt: skip


if __name__ == "__main__":
    common.ending(main)
