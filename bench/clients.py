"""What an endpoint costs applications, and what a storm of them notices of a switch.

    python -m bench.clients [--hand-over] [--storm] [--rounds 5] [--seconds 5] [--clients 200] [--rate 200]

For each of the two PgBouncers (one that keeps prepared statements, an older one), one of the parts or both.
Hand-over: pgbench finds what the machine can do through the gateway without cleaning server connections;
then, at half of that and at full speed, with and without it in turns, and at full speed with other reset
queries; `cpu_us` is processor time of PgBouncer and the server for one transaction, whatever else runs.
Storm: so many clients are connected, with so many transactions a second together, while the service is
cut over and back; `met_ms` is the longest wait of those that the pause met, `elsewhere_ms` of all others.
Figures are medians; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from psycopg import sql

from bench import common
from components.platforms import pgbouncer
from core.errors import GatewayFailed
from core.gateway.console import Console
from migration.switch.protocol import Step
from servers import binaries
from tests.support.bouncers import KINDS, NEW, bouncer_of
from tests.support.clusters import Cluster, Clusters
from tests.support.folders import own_folder
from tests.support.gateways import as_the_stack_does
from tests.support.moves import APPLICATION, World, login, world

ROWS = 10_000
STORM_SECONDS, QUIET_SECONDS = 45.0, 15.0
"""With a switch, which begins when all are connected and is over before; and without one."""
SCRIPT = """\\set n random(1, 10000)
BEGIN;
SELECT value FROM client_rows WHERE client = 'bench' AND n = :n;
UPDATE client_rows SET value = value + 1 WHERE client = 'bench' AND n = :n;
COMMIT;
"""
TABLE = f"""
CREATE TABLE user_schema.client_rows (client text, n bigint, value int NOT NULL, PRIMARY KEY (client, n));
GRANT SELECT, INSERT, UPDATE, DELETE ON user_schema.client_rows TO {APPLICATION.name};
INSERT INTO user_schema.client_rows SELECT 'bench', n, 0 FROM generate_series(1, {ROWS}) n;
"""  # noqa: S608 - names of this file
OTHERS = {
    "one round trip": ";",
    "RESET ALL": "RESET ALL",
    "ours, prepared anew": "; ".join((*pgbouncer.CLEAN, "DEALLOCATE ALL")),
    "DISCARD ALL": "DISCARD ALL",
}


@dataclass(frozen=True)
class Ran:
    """What pgbench said."""

    tps: float
    latency_ms: float
    failed: int
    longest_ms: float
    cpu_us: float
    waits: tuple[tuple[float, float], ...] = field(default=(), repr=False)
    """Of a storm, each transaction: when it was due and when it was done, in seconds since 1970."""

    def longest(self, since: float, until: float) -> tuple[float, float]:
        """Milliseconds of the longest that was under way within these times, and of the longest other one."""
        met = [done - due for due, done in self.waits if due < until and done > since]
        others = [done - due for due, done in self.waits if due >= until or done <= since]
        return max(met, default=0.0) * 1000, max(others, default=0.0) * 1000


class Bench:
    """pgbench through the endpoint of one world's `user`."""

    def __init__(self, made: World, shared: Cluster, folder: Path, *, prepared: bool) -> None:
        self._made, self._shared, self._folder, self._prepared = made, shared, folder, prepared
        self._spent = 0.0
        (folder / "script.sql").write_text(SCRIPT)

    def command(self, seconds: float, clients: int, rate: float | None, log: bool) -> list[str]:
        pgbench = binaries.postgres_bin(17) / "pgbench"
        # Preparing holds up all clients of a pgbench thread, those in transactions too: with more clients
        # than server connections all would wait for each other.
        prepared = "extended" if log else "prepared"
        return [
            str(pgbench), "-n", "-M", prepared if self._prepared else "simple", "-f",
            str(self._folder / "script.sql"), "-c", str(clients),
            # Its duration counts from before they are connected, which takes a storm of them a while.
            *(["-j", "20", "-t", f"{seconds * rate / clients:.0f}"] if log and rate
              else ["-j", "2", "-T", f"{seconds:.0f}"]),
            *(["--rate", f"{rate:.1f}"] if rate else []),
            *(["--log", f"--log-prefix={self._folder}/log"] if log else []),
        ]  # fmt: skip

    def start(
        self, seconds: float, clients: int = 8, rate: float | None = None, *, log: bool = False
    ) -> subprocess.Popen[str]:
        """pgbench at work."""
        service = self._made.contract.services["user"]
        end = service.endpoint
        environment = {
            "PGHOST": str(end.address),
            "PGPORT": str(end.port),
            "PGDATABASE": end.database,
            "PGUSER": service.service.name,
            "PGPASSWORD": service.service.password.get_secret_value(),
            "PGSSLMODE": "disable",
            "PGAPPNAME": "user",
        }
        self._spent = self._processor_seconds()
        return subprocess.Popen(
            self.command(seconds, clients, rate, log),
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, seconds: float, rate: float | None = None) -> Ran:
        """Its figures."""
        return self.finish(self.start(seconds, rate=rate))

    def finish(self, running: subprocess.Popen[str]) -> Ran:
        """The figures of one that ends."""
        said, complaints = running.communicate()
        spent = self._processor_seconds() - self._spent
        if running.returncode:
            raise SystemExit(f"pgbench failed: {complaints[-500:]}")
        waits: list[tuple[float, float]] = []
        for log in self._folder.glob("log.*"):
            for line in log.read_text().splitlines():
                # client, transaction, microseconds since it was due, script, and when it ended
                _, _, took, _, seconds, microseconds, *_ = map(int, line.split())
                end = seconds + microseconds / 1e6
                waits.append((end - took / 1e6, end))
            log.unlink()
        longest = max((end - due for due, end in waits), default=0.0)
        done = int(_found(r"actually processed: (\d+)", said))
        return Ran(
            float(_found(r"tps = ([\d.]+)", said)),
            float(_found(r"latency average = ([\d.]+)", said)),
            int(_found(r"failed transactions: (\d+)", said)),
            longest * 1000,
            spent / max(done, 1) * 1e6,
            tuple(waits),
        )

    def _processor_seconds(self) -> float:
        """Of the gateway and of the shared database's server, so far."""
        first = int((self._shared.server.data / "postmaster.pid").read_text().split()[0])
        gateway = self._made.gated["user"].server.pid()
        times = [
            psutil.Process(pid).cpu_times()
            for pid in (gateway, *(child.pid for child in psutil.Process(first).children()))
            if pid is not None and psutil.pid_exists(pid)
        ]
        return sum(one.user + one.system for one in times)

    def clean(self, query: str | None) -> None:
        """By what server connections are cleaned when they change hands; None: by nothing."""
        if query is not None:
            self.set("server_reset_query", query)
        self.set("server_reset_query_always", "0" if query is None else "1")

    def set(self, name: str, value: str) -> None:
        """A setting of the running gateway."""
        with Console(self._made.contract.services["user"].gateway_control, "the gateway") as console:
            command = sql.SQL("SET {} = {}").format(sql.SQL(name), sql.Literal(value))
            console.command(command)


def hand_over(bench: Bench, bouncer: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """Throughput and latency with and without cleaning, at half load and at full speed; then at full speed
    with other reset queries."""
    ours = as_the_stack_does(bouncer, by_session=(login("user", "ddl").name,))["server_reset_query"]
    ways = {"nothing": None, "ours": ours, **OTHERS}
    bench.clean(None)
    half = bench.run(seconds).tps / 2
    found: dict[tuple[str, str], list[Ran]] = {}
    for number in range(rounds):
        for load, names, rate in (("half", ["nothing", "ours"], half), ("full", list(ways), None)):
            for name in names if number % 2 else reversed(names):
                bench.clean(ways[name])
                found.setdefault((load, name), []).append(bench.run(seconds, rate))
    bench.clean(ours)
    figures: dict[str, Any] = {"half_load_tps": round(half), "half": {}, "full": {}}
    for (load, name), runs in found.items():
        # Each against the one without cleaning of its own round: the machine is another one in the next.
        ratios = [ran.tps / bare.tps for ran, bare in zip(runs, found[load, "nothing"], strict=True)]
        figures[load][name] = {
            "tps": common.median([ran.tps for ran in runs]),
            "cost": round(1 - common.median(ratios), 4),
            "latency_ms": common.median([ran.latency_ms for ran in runs]),
            "cpu_us": round(common.median([ran.cpu_us for ran in runs])),
            "failed": sum(ran.failed for ran in runs),
        }
    return figures


@dataclass(frozen=True)
class Storm:
    """What many clients noticed of one switch, in milliseconds."""

    pause_ms: float
    met_ms: float
    """The longest wait of a transaction that the pause met."""
    elsewhere_ms: float
    """The longest of all others: before it, as while the rows are verified, and after it."""
    failed: int

    @property
    def longest_ms(self) -> float:
        """Of all."""
        return max(self.met_ms, self.elsewhere_ms)


def storm(made: World, bench: Bench, clients: int, rate: float, rounds: int) -> dict[str, Any]:
    """Failed transactions and the longest wait of many clients while the service is cut over and back; and
    the longest without a switch, by which the machine may be known."""
    _verb(made, "start")
    found: dict[str, list[Storm]] = {"nothing": [], "cutover": [], "rollback": []}
    for _ in range(rounds):
        for verb, options in (("nothing", []), ("cutover", []), ("rollback", ["--immediate"])):
            seconds = QUIET_SECONDS if verb == "nothing" else STORM_SECONDS
            running = bench.start(seconds, clients, rate, log=True)
            _wait_for(made, clients, running)
            pause = 0.0 if verb == "nothing" else _verb(made, verb, *options)["user"]["pause_ms"]
            over = running.poll() is not None
            ran = bench.finish(running)
            since, until = _paused(made) if pause else (0.0, 0.0)
            found[verb].append(Storm(float(pause), *ran.longest(since, until), ran.failed))
            common.say(f"{verb}: {found[verb][-1]}, {ran}")
            if over and pause:
                raise SystemExit(f"{verb} took longer than the storm: nothing was measured")
    return {
        verb: {
            "pause_ms": common.median([one.pause_ms for one in runs]),
            "met_ms": common.median([one.met_ms for one in runs]),
            "elsewhere_ms": common.median([one.elsewhere_ms for one in runs]),
            "ratio": round(
                common.median([one.longest_ms / one.pause_ms if one.pause_ms else 0.0 for one in runs]), 2
            ),
            "failed": sum(one.failed for one in runs),
        }
        for verb, runs in found.items()
    }


def _paused(made: World) -> tuple[float, float]:
    """When the clients' last pause began and ended, by the journal, in seconds since 1970."""
    with made.source.connect() as connection:
        row = connection.execute(
            "SELECT extract(epoch FROM max(started) FILTER (WHERE step LIKE %s))::float8,"
            " extract(epoch FROM max(finished) FILTER (WHERE step LIKE %s))::float8"
            " FROM waqiti_migration.steps",
            (f"%: {Step.PAUSE.value}", f"%: {Step.RESUME.value}"),
        ).fetchone()
    assert row is not None
    return float(row[0]), float(row[1])


def _wait_for(made: World, clients: int, running: subprocess.Popen[str]) -> None:
    """Until all of them are connected and at work."""
    deadline, there = time.monotonic() + 180, 0
    while there < clients and running.poll() is None:
        if time.monotonic() > deadline:
            raise SystemExit(f"{clients} clients were not connected in three minutes")
        time.sleep(0.5)
        with suppress(GatewayFailed):  # it is busy with their logins
            there = len(made.gateway("user").clients())
    time.sleep(2)


def _verb(made: World, verb: str, *options: str) -> dict[str, Any]:
    done = made.run(verb, "user", "--yes", "--json", *options)
    if done.returncode:
        raise SystemExit(f"{verb} failed: {done.stderr[-500:]}")
    result: dict[str, Any] = json.loads(done.stdout)
    services: dict[str, Any] = result.get("services", result)
    return services


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"pgbench said something else: {text[-500:]}")
    return found[1]


def main() -> None:
    """Measure, and print one line of JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--hand-over", action="store_true")
    parser.add_argument("--storm", action="store_true")
    options = parser.parse_args()
    both = options.hand_over == options.storm
    result: dict[str, Any] = {"machine": common.machine()}
    clusters = Clusters(own_folder())
    try:
        for kind in KINDS:
            bouncer = bouncer_of(kind)
            with (
                common.work_folder() as folder,
                world(
                    folder,
                    clusters.get("source", 15),
                    clusters.get("target", 17),
                    rows=100,
                    services=("user",),
                    own_logins={"user": bouncer},
                    ddl=True,
                ) as made,
            ):
                with made.source.connect() as connection:
                    connection.execute(TABLE.encode())
                bench = Bench(made, clusters.get("source", 15), folder, prepared=kind == NEW)
                result[kind] = {}
                if both or options.hand_over:
                    common.say(f"PgBouncer {kind}: hand-overs")
                    result[kind]["hand_over"] = hand_over(bench, bouncer, options.rounds, options.seconds)
                if both or options.storm:
                    common.say(f"PgBouncer {kind}: {options.clients} clients and switches")
                    result[kind]["storm"] = storm(made, bench, options.clients, options.rate, options.rounds)
                common.say(json.dumps(result[kind]))
    finally:
        clusters.destroy()
    common.conclude(result)


if __name__ == "__main__":
    common.ending(main)
