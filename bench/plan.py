"""How long the plan of a large catalogue takes, and the move of many empty tables.

    python -m bench.plan [--rounds 5] [--schemas 200] [--tables 1000] [--columns 10] [--empty 5000]

First a database of `--schemas` schemas, each a service, with `--tables` tables of `--columns` columns between
them, and foreign keys, views, functions and triggers as such schemas have; what is measured is reading its
catalogue and making the plan of all services. Then one service of `--empty` tables without a row is moved
while it could be written to: every step of `start`, then a verification, both sides with `fsync` on. The last
line is JSON.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg import sql
from pydantic import SecretStr

from bench import common
from components.contract import CrossingRule, Login
from core.sessions.connections import Database
from migration.catalog.read import read_catalog
from migration.journal.journal import open_journal, read_steps
from migration.moves.online import Online
from migration.plan.make import make_plan
from migration.steps.runner import Runner
from tests.support.clusters import Cluster, Clusters
from tests.support.contracts import make_contract, make_service
from tests.support.folders import own_folder
from tests.support.moving import split

APPLICATION = Login(name="bench_application", password=SecretStr("bench-password"))
DURABLE = {"fsync": "on", "shared_buffers": "256MB", "max_wal_size": "4GB"}
CROSSING = (CrossingRule(match="*", action="drop", reason="measured, not judged"),)


def build_catalogue(database: Database, schemas: int, tables: int, columns: int) -> int:
    """Fill the database; returns how many tables it has."""
    each = tables // schemas
    types = ("int", "text", "numeric(12,2)", "timestamptz", "boolean", "jsonb")
    listed = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(f"c{n}"), sql.SQL(types[n % len(types)]))
        for n in range(columns - 2)
    )
    with database.connect() as connection:
        for number in range(schemas):
            _build_schema(connection, number, each, listed)
    return each * schemas


def _build_schema(connection: Any, number: int, each: int, columns: sql.Composable) -> None:
    names = {"schema": sql.Identifier(f"s{number}_schema"), "columns": columns}
    names |= {"before": sql.Identifier(f"s{max(number - 1, 0)}_schema")}
    parts = [
        "CREATE SCHEMA {schema}",
        "CREATE TYPE {schema}.state AS ENUM ('new', 'done')",
        "CREATE FUNCTION {schema}.touched() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM count(*) FROM {schema}.t0; RETURN NEW; END $$",
    ]
    for table in range(each):
        parts.append(
            f"CREATE TABLE {{schema}}.t{table} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            " ref bigint, {columns})"
        )
        parts.append(f"CREATE INDEX ON {{schema}}.t{table} (ref)")
        parts.append(f"CREATE VIEW {{schema}}.v{table} AS TABLE {{schema}}.t{table}")
        parts.append(
            f"CREATE TRIGGER touched AFTER INSERT ON {{schema}}.t{table} FOR EACH ROW"
            " EXECUTE FUNCTION {schema}.touched()"
        )
        if table:
            parts.append(
                f"ALTER TABLE {{schema}}.t{table} ADD FOREIGN KEY (ref) REFERENCES {{schema}}.t{table - 1}"
            )
    if number:
        parts.append("ALTER TABLE {schema}.t0 ADD FOREIGN KEY (ref) REFERENCES {before}.t0")
    with connection.transaction():
        for part in parts:
            connection.execute(sql.SQL(part).format(**names))


def measure_plan(database: Database, schemas: int, rounds: int) -> dict[str, Any]:
    """Seconds to read the catalogue, and to make the plan of all services."""
    services = [
        make_service(f"s{n}").model_copy(update={"crossing": CROSSING if n else ()}) for n in range(schemas)
    ]
    contract = make_contract(database, services, APPLICATION)
    reading, planning, working = [], [], []
    for _ in range(rounds):
        begun, worked = time.perf_counter(), time.process_time()
        with database.connect() as connection:
            catalog = read_catalog(connection, application=APPLICATION.name)
        read = time.perf_counter()
        plan = make_plan(contract, catalog)
        planning.append(time.perf_counter() - read)
        reading.append(read - begun)
        working.append(time.process_time() - worked)
    if plan.no_go:
        raise SystemExit(f"the plan is not what was built: {plan.no_go[0].text}")
    return {
        "objects": len(catalog.objects),
        "tables": len(catalog.tables),
        "catalogue_s": common.median(reading),
        "plan_s": common.median(planning),
        "cpu_here_s": common.median(working),
        "together_s": common.median([a + b for a, b in zip(reading, planning, strict=True)]),
    }


def build_empty(database: Database, tables: int) -> None:
    """One schema of many tables, each with a key and an index."""
    with database.connect() as connection:
        connection.execute("CREATE SCHEMA many_schema")
        for begin in range(0, tables, 200):
            with connection.transaction():
                for number in range(begin, min(begin + 200, tables)):
                    name = sql.Identifier("many_schema", f"t{number}")
                    connection.execute(
                        sql.SQL("CREATE TABLE {} (id bigint PRIMARY KEY, at timestamptz, note text)").format(
                            name
                        )
                    )
                    connection.execute(sql.SQL("CREATE INDEX ON {} (at)").format(name))


def measure_empty(source: Database, target: Cluster, folder: Path, workers: int) -> dict[str, Any]:
    """Seconds of every step of moving the service `many`."""
    with split(source, target, {"many": ()}, folder, APPLICATION) as made:
        begun = time.perf_counter()
        plan = made.plan()
        plan.check()
        planned = time.perf_counter() - begun
        service = made.contract.services["many"]
        with open_journal(source, made.contract) as journal:
            online = Online(made.contract, Runner(journal), workers=workers)
            move = online.start(service, plan)
            started = time.perf_counter() - begun
            verification = online.verify(service, plan)
            verification.require()
            whole = time.perf_counter() - begun
            with source.connect() as connection:
                steps = {
                    record.step: round((record.finished - record.started).total_seconds(), 2)
                    for record in read_steps(connection, move)
                    if record.finished is not None
                }
            common.say(f"{whole:.1f} s: plan {planned:.1f}, {steps}, verify {whole - started:.1f}")
            online.abort(service, plan)
    return {"plan_s": planned, "start_s": started, "whole_s": whole, "steps": steps}


def measure_moves(made: Clusters, source: Cluster, chosen: argparse.Namespace) -> dict[str, Any]:
    """The move of `chosen.empty` tables, `chosen.empty_rounds` times: medians."""
    database = source.new_database()
    build_empty(database, chosen.empty)
    with (
        made.private("target", chosen.version, DURABLE) as target,
        tempfile.TemporaryDirectory(prefix="waqiti-bench-") as folder,
    ):
        moves = [
            measure_empty(database, target, Path(folder), chosen.workers) for _ in range(chosen.empty_rounds)
        ]
    return {
        "tables": chosen.empty,
        "whole_s": common.median([move["whole_s"] for move in moves]),
        "steps_s": {
            step: common.median([move["steps"][step] for move in moves]) for step in moves[0]["steps"]
        },
    }


@contextmanager
def clusters() -> Iterator[Clusters]:
    """Servers of its own, destroyed afterwards."""
    made = Clusters(own_folder())
    try:
        yield made
    finally:
        made.destroy()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.plan", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--schemas", type=int, default=200)
    parser.add_argument("--tables", type=int, default=1000)
    parser.add_argument("--columns", type=int, default=10)
    parser.add_argument("--empty", type=int, default=5000)
    parser.add_argument("--empty-rounds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--version", type=int, default=17)
    chosen = parser.parse_args(arguments)
    result: dict[str, Any] = {"machine": common.machine()}
    with clusters() as made, made.private("source", chosen.version, DURABLE) as source:
        with source.database().connect() as connection:
            connection.execute("CREATE ROLE bench_application LOGIN")
        if chosen.schemas:
            database = source.new_database()
            build_catalogue(database, chosen.schemas, chosen.tables, chosen.columns)
            result["catalogue"] = measure_plan(database, chosen.schemas, chosen.rounds)
            common.say(str(result["catalogue"]))
            source.drop_database(database)
        if chosen.empty:
            result["empty"] = measure_moves(made, source, chosen)
    result["load_after"] = common.machine()["load"]
    common.conclude(result)


if __name__ == "__main__":
    common.ending(main)
