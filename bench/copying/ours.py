"""Our way of copying, in a process of its own: what `run` does between the pause and the verification.

WAQITI_BENCH_COPY=SOURCE_PORT,TARGET_PORT,VERSION,WORKERS python -m bench.copying.ours
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from bench import common
from bench.copying.work import OWNER, SCHEMA, Work
from components.contract import (
    Contract,
    Endpoint,
    LocalGatewayControl,
    LocalInstanceControl,
    Login,
    Service,
    Source,
)
from core.progress.make import make_progress
from core.sessions.connections import Database, Side
from migration.catalog.read import read_catalog
from migration.copy.large_objects import copy_large_objects
from migration.copy.sequences import move_sequences
from migration.copy.tables import CopyTask, copy_tables
from migration.copy.throttle import Unthrottled
from migration.moves.start import SIZES
from migration.plan.make import make_plan
from migration.schema.create import build_indexes, create_schema
from migration.schema.dump import dump_schema
from migration.schema.early import early_builds

ENVIRONMENT = "WAQITI_BENCH_COPY"
"""Ports and versions for the process that copies."""


def copy(work: Work) -> None:
    """Copy as a process that starts Python first, as an operator's does."""
    described = (work.source.port, work.target.port, work.target_version, work.workers)
    subprocess.run(
        [sys.executable, "-m", "bench.copying.ours"],
        env={**os.environ, ENVIRONMENT: ",".join(map(str, described))},
        check=True,
        cwd=Path(__file__).parent.parent.parent,
    )


def main() -> None:
    """Schema, rows, large objects, indexes and keys, statistics, sequences."""
    source_port, target_port, version, workers = map(int, os.environ[ENVIRONMENT].split(","))
    source, target = (_reached(port, name) for port, name in ((source_port, "shared"), (target_port, "own")))
    contract = _contract(source, target, version)
    stop = threading.Event()
    with (
        tempfile.TemporaryDirectory() as folder,
        make_progress("silent") as progress,
        source.connect(autocommit=False) as connection,
    ):
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        plan = make_plan(contract, read_catalog(connection))
        own = plan.services["bench"]
        dump = dump_schema(source, Path(folder), version, snapshot=row[0])
        create_schema(contract, plan, "bench", dump, target, progress=progress, stop=stop)
        tasks = [CopyTask("bench", table, target) for table in own.tables]
        with early_builds(
            contract, plan, "bench", lambda: dump, target, workers=workers, stop=stop, throttle=Unthrottled()
        ) as early:
            copy_tables(
                source,
                tasks,
                row[0],
                workers=workers,
                progress=progress,
                stop=stop,
                copied=early.copied,
                turns=early.turns,
                sizes=SIZES,
            )
            copy_large_objects(
                source, target, own.large_object_columns, row[0], owner=OWNER, progress=progress, stop=stop
            )
        build_indexes(contract, plan, "bench", dump, target, workers=workers, progress=progress, stop=stop)
        move_sequences(source, target, own.sequences)


def _reached(port: int, name: str) -> Database:
    side: Side = "source" if name == "shared" else "target"
    endpoint = Endpoint(host="localhost", address="127.0.0.1", port=port, database=name, sslmode="disable")
    return Database(name, side, endpoint, common.ADMINISTRATOR)


def _contract(source: Database, target: Database, version: int) -> Contract:
    nobody = Login(name=common.ADMINISTRATOR.name, password=common.ADMINISTRATOR.password)
    nowhere = "/nonexistent"
    service = Service(
        name="bench", schema_name=SCHEMA, endpoint=target.endpoint, instance=target.endpoint,
        version=version, owner=OWNER, service=nobody, migration=nobody, monitoring=nobody, backup=nobody,
        gateway_control=LocalGatewayControl(
            sockets=nowhere, port=1, administrator=nobody, routes=nowhere, service_userlist=nowhere
        ),
        instance_control=LocalInstanceControl(binaries=nowhere, data=nowhere, sockets=nowhere),
        pool_maximum=1,
    )  # fmt: skip
    return Contract(
        project="bench",
        stack="bench",
        platform="local",
        program="0",
        catalogue_digest="",
        source=Source(endpoint=source.endpoint, administrator=source.login, application=source.login),
        services={"bench": service},
    )


if __name__ == "__main__":
    common.ending(main)
