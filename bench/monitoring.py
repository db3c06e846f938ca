"""What watching costs: processor time beside a service at half load, and that of `watch` for eight services.

`python -m bench.monitoring [SECONDS]`: one instance behind a gateway, watched as a stack does (every 15 s),
and a pgbench that goes as fast as it can, then five times at half that rate for so many seconds (60). Counted
is the processor time of all that watches and of its sessions on the instance, against that of the instance
and the gateway: what it takes from them where the processor is what is scarce. A session that ended is
counted as one that watched. Then twenty looks of `watch` at eight services, which are this one eight times.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
from rich.console import Console

from bench.common import conclude, ending, machine, median, say
from components.monitoring.settings import MonitoringSettings
from operations.watch.look import Picture, Watch
from operations.watch.rates import rates
from operations.watch.screen import screen
from servers import osuser
from tests.support.clusters import SUPERUSER, Clusters
from tests.support.folders import own_folder
from tests.support.watched import SERVICE, Watched, watched_service

ROUNDS, LOOKS, SERVICES, CLIENTS = 5, 20, 8, 4
FIRST_SECONDS = 10


def pgbench(watched: Watched, *arguments: str) -> str:
    """What it says, through the gateway."""
    end, programs = watched.endpoint.endpoint, watched.kept.cluster.server.binaries
    words = {"PGPASSWORD": SUPERUSER.password.get_secret_value(), "PGSSLMODE": "disable"}
    return subprocess.run(
        [str(programs / "pgbench"), "-h", end.host, "-p", str(end.port), "-U", SUPERUSER.name, *arguments,
         end.database],
        env=osuser.clean_environment(words), capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


def speed(watched: Watched, seconds: int, rate: float | None = None) -> float:
    """Transactions a second that came about."""
    limit = ["-R", f"{rate:.0f}"] if rate else []
    said = pgbench(watched, "-n", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds), *limit)
    return float(next(line.split()[2] for line in said.splitlines() if line.startswith("tps = ")))


def spent(watched: Watched) -> tuple[float, float]:
    """Processor seconds so far of what watches, and of what serves."""
    programs = (watched.program(name) for name in (f"postgresql-{SERVICE}", "waqiti", "prometheus"))
    of_watching = sum(_seconds(pid) for pid in programs if pid is not None)
    sessions = {
        int(row[0])
        for row in watched.kept.execute(
            "SELECT pid FROM pg_stat_activity WHERE usename = 'waqiti_user_monitoring'"
        )
    }
    postmaster = psutil.Process(
        int((watched.kept.cluster.server.data / "postmaster.pid").read_text().splitlines()[0])
    )
    ended = postmaster.cpu_times()
    of_watching += ended.children_user + ended.children_system + sum(map(_seconds, sessions))
    of_serving = _seconds(postmaster.pid) + _seconds(
        int((watched.gateway.folder / "pgbouncer.pid").read_text())
    )
    of_serving += sum(_seconds(child.pid) for child in postmaster.children() if child.pid not in sessions)
    return of_watching, of_serving


def _seconds(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def cost(watched: Watched, seconds: int, rate: float) -> float:
    """The part of what serves that what watches takes, while pgbench goes at `rate`."""
    before = spent(watched)
    came = speed(watched, seconds, rate)
    after = spent(watched)
    took = after[0] - before[0], after[1] - before[1]
    say(f"{came:.0f} a second: {took[0]:.2f} s for watching, {took[1]:.2f} s for serving")
    return took[0] / took[1]


def looks(watched: Watched) -> tuple[float, float]:
    """Processor and wall seconds of a refresh of `watch`, medians."""
    one = watched.contract.services[SERVICE]
    eight = {f"{SERVICE}{n}": one.model_copy(update={"name": f"{SERVICE}{n}"}) for n in range(SERVICES)}
    contract = watched.contract.model_copy(update={"services": eight})
    watching = Watch(contract, tuple(eight.values()))
    processor, wall = [], []
    before: Picture | None = None
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(file=nowhere, width=80, force_terminal=True)
        for _ in range(LOOKS + 1):
            began = time.process_time(), time.monotonic()
            now = watching.look()
            console.print(screen(now, rates(before, now), 80))
            processor.append(time.process_time() - began[0])
            wall.append(time.monotonic() - began[1])
            before = now
            time.sleep(0.2)
    watching.close()
    # The first one connects.
    return median(processor[1:]), median(wall[1:])


def main() -> None:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    clusters = Clusters(own_folder())
    try:
        with watched_service(clusters, MonitoringSettings()) as watched:
            watched.kept.execute(f"ALTER ROLE waqiti_{SERVICE}_monitoring CONNECTION LIMIT 20")
            pgbench(watched, "-i", "-s", "10", "-q")
            full = speed(watched, FIRST_SECONDS)
            say(f"as fast as it can: {full:.0f} a second")
            costs = [cost(watched, seconds, full / 2) for _ in range(ROUNDS)]
            processor, wall = looks(watched)
    finally:
        clusters.destroy()
    conclude(
        {
            "machine": machine(),
            "full_speed": round(full),
            "cost": median(costs),
            "costs": costs,
            "watch_processor_seconds": processor,
            "watch_seconds": wall,
        }
    )


if __name__ == "__main__":
    ending(main)
