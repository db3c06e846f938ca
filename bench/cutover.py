"""What a move does to those who work meanwhile: pauses, failures, throughput, the way back.

    python -m bench.cutover [--platform local] [--scale 0.05] [--runs 5] [--source-version 17] [--seconds 20]
                            [--rate N]

Brings up the demo's shared database and eight services, in a state folder of its own that it removes,
finds what the machine can do at full speed, and works at half of that (or at `--rate`). Then all services
are started; in each run every service is cut over and rolled back under load. Pauses are what the
workload's log says: the longest that a statement of the service took around its switch. The last line is
JSON.

`--platform docker` needs root; the engine is that of $DOCKER_HOST, or one of its own that goes away.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import common
from components.contract import Contract, Service
from core.progress.interface import Silent
from core.sessions.stack import source_database
from demo.environment import children, docker_host, pulumi_stack
from demo.environment.home import Home, Options
from demo.environment.passwords import passwords
from demo.environment.shared_server import fill, make_server, shared_server
from demo.environment.teardown import tear_down
from demo.errors import DemoError
from demo.workload.invariants import check_invariants
from demo.workload.run import JOURNAL, STATEMENTS
from demo.workload.statement_log import percentile, read_log
from migration.examine.read_plan import examine, read_plan
from migration.journal.journal import open_journal
from migration.moves.online import Online
from migration.steps.runner import Runner
from migration.switch.carry_out import SwitchResult

AROUND_SECONDS = 1.0
"""Statements sent so long before a switch may still have waited for it."""


@dataclass
class Work:
    """A workload of its own process, and what it logs."""

    home: Home
    rate: float
    process: subprocess.Popen[bytes] | None = None
    since: float = 0.0

    @property
    def statements(self) -> Path:
        """The statement log."""
        return self.home.workload / STATEMENTS

    def start(self) -> None:
        """Start it and wait until it works."""
        self.statements.unlink(missing_ok=True)
        command = [sys.executable, "-m", "demo", "workload", "--contract", str(self.home.contract),
                   "--folder", str(self.home.workload), "--rate", str(self.rate),
                   "--seconds", "3000"]  # fmt: skip
        with (self.home.logs / "bench-workload.log").open("ab") as log:
            # As a program of the demo, so that it ends with it, even when this is interrupted.
            own = self.home.environment()
            self.process = children.start(
                self.home, "bench-workload", command, variables=own, output=log, errors=log
            )
        deadline = time.monotonic() + 60
        while not self.statements.exists() or self.statements.stat().st_size < 2000:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("the workload did not begin; see bench-workload.log in the state folder")
            time.sleep(0.2)
        time.sleep(2)
        self.since = time.time()

    def stop(self) -> dict[str, Any]:
        """End it; returns its summary."""
        if self.process is None:
            return {}
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(90)
        self.process = None
        text = (self.home.workload / "summary.json").read_text(encoding="utf-8")
        summary: dict[str, Any] = json.loads(text)
        return summary

    def finished(self) -> list[float]:
        """When each business transaction was finished, by the journal; seconds since 1970."""
        text = (self.home.workload / JOURNAL).read_text(encoding="utf-8")
        lines = (line for line in text.splitlines() if line.endswith("}") and '"begin"' not in line)
        return [json.loads(line)["time"] for line in lines]

    def rate_between(self, since: float, until: float) -> float:
        """Transactions a second that were finished in that time."""
        return sum(since <= at < until for at in self.finished()) / (until - since)

    def rate_over(self, seconds: float) -> float:
        """Transactions a second over so long from now."""
        since = time.time()
        time.sleep(seconds)
        return self.rate_between(since, since + seconds)


@dataclass(frozen=True)
class Switched:
    """One switch of one service."""

    what: str
    services: int
    """How many were switched together."""
    waited_ms: float
    """The longest that a statement of the service took around it."""
    result: SwitchResult


def show_worst(found: Sequence[Switched], many: int = 3) -> None:
    """Say the longest waits, with the milliseconds of each of their steps."""
    for one in sorted(found, key=lambda one: -one.waited_ms)[:many]:
        steps = ", ".join(f"{name} {ms:.0f}" for name, ms in one.result.step_ms.items())
        common.say(f"  worst: {one.what}, {one.waited_ms:.0f} ms (inside {one.result.pause_ms:.0f}: {steps})")


@dataclass
class Measured:
    """What the runs gave."""

    pauses: list[float] = field(default_factory=list)
    inside: list[float] = field(default_factory=list)
    """The pause as the migration measured it, from PAUSE sent to RESUME done."""
    rollbacks: list[float] = field(default_factory=list)
    steps: dict[str, list[float]] = field(default_factory=dict)
    switches: list[Switched] = field(default_factory=list)


@contextmanager
def stack(options: Options, folder: Path) -> Iterator[tuple[Home, Contract]]:
    """The demo's shared database and its eight services, none moved yet."""
    os.environ["WAQITI_STATE_DIR"] = str(folder)
    home = Home.default()
    try:
        home.create()
        home.write_options(options)
        secrets = passwords(home)
        shared = shared_server(home, options, secrets)
        make_server(home, shared)
        common.say("pulumi up")
        pulumi_stack.prepare(home, options)
        pulumi_stack.up(home, secrets, lambda number: None)
        # Only now: the address at which containers find it comes with the stack.
        common.say("shared database")
        shared.server.start()
        fill(shared, options.scale, lambda what, seconds: None)
        yield home, pulumi_stack.contract(home)
    finally:
        common.say("removing it all")
        removed = tear_down(home)
        if removed and removed.trouble:
            common.say(removed.trouble)


@contextmanager
def engine(platform: str) -> Iterator[None]:
    """A Docker Engine for the platform `docker`, in $DOCKER_HOST; nothing for another. Raises DemoError."""
    if platform != "docker":
        yield
        return
    with docker_host.docker_engine() as host:
        docker_host.refuse_another_stack(host, pulumi_stack.LABEL)
        os.environ["DOCKER_HOST"] = host
        yield


def one_run(online: Online, contract: Contract, work: Work, measured: Measured) -> None:
    """Cut every service over, then take every one back."""
    for service in contract.services.values():
        plan = read_plan(contract, [service])
        begun = time.time()
        result = online.cutover(service, plan)
        ended = time.time()
        measured.inside.append(result.pause_ms)
        for name, ms in result.step_ms.items():
            measured.steps.setdefault(name, []).append(ms)
        time.sleep(AROUND_SECONDS + 1.5)
        measured.pauses.append(longest(work, service, begun - AROUND_SECONDS, ended + 0.2))
        measured.switches.append(Switched(f"cutover of {service.name}", 1, measured.pauses[-1], result))
        common.say(f"  {service.name}: pause {measured.pauses[-1]:.0f} ms (inside {result.pause_ms:.0f})")
    for service in contract.services.values():
        plan = read_plan(contract, [service])
        begun = time.monotonic()
        online.rollback(service, plan)
        measured.rollbacks.append(time.monotonic() - begun)


def longest(work: Work, service: Service, since: float, until: float) -> float:
    """The longest statement of a service sent in that time, in milliseconds."""
    sent = read_log(work.statements, since=since, until=until)
    return max((s.ms for s in sent if s.service == service.name), default=0.0)


def lost_percent(before: float, during: float) -> float:
    """How much less was done, in percent; below 0 when it was more."""
    return round(100 * (1 - during / before), 2) if before else 0.0


def start_all(online: Online, contract: Contract) -> float:
    """Let every service's own database follow; returns the seconds that took."""
    begun = time.monotonic()
    for service in contract.services.values():
        plan = examine(contract, [service])
        plan.check()
        online.start(service, plan)
    return time.monotonic() - begun


def abort_all(online: Online, contract: Contract) -> None:
    """Give all moves up."""
    for service in contract.services.values():
        online.abort(service, read_plan(contract, [service]))


def throughput(online: Online, contract: Contract, work: Work, seconds: float, turns: int) -> list[float]:
    """Percent of the transactions a second that are lost while copying and catching up, one for each turn.

    Compared with the `seconds` right before, under the same load.
    """
    lost = []
    for _ in range(turns):
        work.start()
        before = work.rate_over(seconds)
        begun = time.time()
        start_all(online, contract)
        ended = time.time()
        during = work.rate_between(begun, ended)
        work.stop()
        abort_all(online, contract)
        lost.append(lost_percent(before, during))
        common.say(
            f"  {before:.1f} a second without, {during:.1f} in the {ended - begun:.1f} s of copying:"
            f" {lost[-1]:.1f}% lost"
        )
    return lost


def positive(text: str) -> float:
    """A rate. Raises ArgumentTypeError."""
    with suppress(ValueError):
        if 0 < (number := float(text)) < math.inf:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is no number of transactions a second: say one above 0")


def main() -> None:
    """Measure and conclude."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--platform", choices=("local", "docker"), default="local")
    parser.add_argument("--scale", type=float, default=0.05)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--source-version", type=int, default=17)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=positive, help="transactions a second; default: half of full speed")
    parser.add_argument("--port-offset", type=int, default=3000)
    arguments = parser.parse_args()
    options = Options(
        arguments.scale, 40.0, arguments.source_version, arguments.port_offset, arguments.platform
    )
    with tempfile.TemporaryDirectory(prefix="waqiti-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            with engine(options.platform), stack(options, folder) as (home, contract):
                measured = measure(home, contract, arguments.runs, arguments.seconds, arguments.rate)
                conclude(measured, options)
        except DemoError as error:
            raise SystemExit(str(error)) from None


def measure(home: Home, contract: Contract, runs: int, seconds: float, asked: float | None) -> dict[str, Any]:
    """All figures, at the rate that was asked for."""
    full = Work(home, 0)
    full.start()
    most = full.rate_over(seconds)
    full.stop()
    rate = asked or max(1.0, round(most / 2, 1))
    common.say(f"full speed {most:.0f} business transactions a second; working at {rate:.0f}")
    with open_journal(source_database(contract), contract) as journal:
        online = Online(contract, Runner(journal, progress=Silent()), workers=2)
        common.say("all services copied, at the fixed rate")
        fixed = throughput(online, contract, Work(home, rate), seconds, runs)
        common.say("all services copied, at full speed")
        at_full = throughput(online, contract, Work(home, 0), seconds, 3)
        work, measured = Work(home, rate), Measured()
        work.start()
        start_all(online, contract)
        for number in range(runs):
            common.say(f"run {number + 1} of {runs}")
            one_run(online, contract, work, measured)
        summary = work.stop()
    show_worst(measured.switches)
    violations = check_invariants(contract, home.workload / JOURNAL, lambda text: None)
    ordered = sorted(measured.pauses)
    return {
        "failed_statements": sum(s["failed"] for s in summary["services"].values()),
        "pause_ms_median": common.median(ordered),
        "pause_ms_p99": round(percentile(ordered, 0.99), 1),
        "inside_ms_median": common.median(measured.inside),
        "step_ms_median": {name: common.median(values) for name, values in measured.steps.items()},
        "throughput_lost_percent": common.median(fixed),
        "throughput_lost_percent_worst": max(fixed),
        "throughput_lost_percent_at_full_load": common.median(at_full),
        "rollback_s": common.median(measured.rollbacks),
        "rollback_s_max": round(max(measured.rollbacks), 2),
        "rows_lost_or_doubled": len(violations),
        "round_trips": runs * len(contract.services),
        "switches": len(measured.pauses),
        "transactions": sum(summary["done"].values()),
        "rate": rate,
    }


def conclude(result: dict[str, Any], options: Options) -> None:
    """The machine for the reader, then the line for scripts."""
    asked = {"platform": options.platform, "scale": options.scale, "source": options.source_version}
    machine = {**common.machine(), **asked}
    common.say(" ".join(f"{name}={value}" for name, value in machine.items()))
    common.conclude(result)


if __name__ == "__main__":
    common.ending(main)
