"""What clients of several services wait when these are switched together, against one by one.

    python -m bench.together [--services user,wallet] [--rounds 5] [--scale 0.02] [--rate N]

Brings up the demo's shared database and stack, works at `--rate`, and switches the services there and back,
in turn one by one and together, so that both have the same load. Ratios are of medians; the worst pauses are
shown with their steps. The last line is JSON.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import common
from bench.cutover import Switched, Work, longest, positive, show_worst, stack
from components.contract import Contract, Service
from core.progress.interface import Silent
from core.sessions.stack import source_database
from demo.environment.home import Home, Options
from demo.errors import DemoError
from demo.workload.invariants import check_invariants
from demo.workload.run import JOURNAL
from demo.workload.statement_log import percentile
from migration.examine.read_plan import examine, read_plan
from migration.journal.journal import open_journal
from migration.journal.states import Verb
from migration.moves.online import Online
from migration.moves.together import switch_together
from migration.steps.runner import Runner
from migration.switch.carry_out import SwitchResult

VERBS: tuple[Verb, ...] = ("cutover", "rollback")


def switched(
    online: Online, contract: Contract, services: Sequence[Service], verb: Verb
) -> Mapping[str, SwitchResult]:
    """Switch them: one alone, or several together."""
    plans = [(service, read_plan(contract, [service])) for service in services]
    if len(plans) > 1:
        return switch_together(online, verb, plans)
    ((service, plan),) = plans
    act = online.cutover if verb == "cutover" else online.rollback
    return {service.name: act(service, plan)}


def one_round(online: Online, contract: Contract, work: Work, services: Sequence[Service]) -> list[Switched]:
    """There and back: each one alone, then all together."""
    found = []
    for group in (*([one] for one in services), list(services)):
        for verb in VERBS:
            begun = time.time()
            results = switched(online, contract, group, verb)
            ended = time.time()
            time.sleep(2.5)
            for one in group:
                waited = longest(work, one, begun - 1.0, ended + 0.2)
                result = results[one.name]
                found.append(Switched(f"{verb} of {one.name}", len(group), waited, result))
            said = ", ".join(f"{name} {r.pause_ms:.0f}" for name, r in results.items())
            common.say(f"  {verb}: {said} ms")
    return found


def conclude(found: Sequence[Switched], failed: int, lost: int) -> dict[str, Any]:
    """Medians and their ratios."""
    figures: dict[str, Any] = {"failed_statements": failed, "rows_lost_or_doubled": lost}
    for name, many in (("alone", False), ("together", True)):
        some = [one for one in found if (one.services > 1) is many]
        inside, waited = [one.result.pause_ms for one in some], sorted(one.waited_ms for one in some)
        figures |= {
            f"{name}_inside_ms": common.median(inside),
            f"{name}_waited_ms": common.median(waited),
            f"{name}_waited_ms_p99": round(percentile(waited, 0.99), 1),
        }
    for what in ("inside", "waited"):
        figures[f"ratio_{what}"] = round(figures[f"together_{what}_ms"] / figures[f"alone_{what}_ms"], 2)
    return figures


def main() -> None:
    """Measure and conclude."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--services", default="user,wallet")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=0.02)
    parser.add_argument("--rate", type=positive, default=20.0, help="business transactions a second")
    parser.add_argument("--source-version", type=int, default=17)
    parser.add_argument("--port-offset", type=int, default=3500)
    arguments = parser.parse_args()
    options = Options(arguments.scale, 40.0, arguments.source_version, arguments.port_offset, "local")
    with tempfile.TemporaryDirectory(prefix="waqiti-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            with stack(options, folder) as (home, contract):
                services = [contract.services[one] for one in arguments.services.split(",")]
                figures = measure(home, contract, services, arguments.rounds, arguments.rate)
        except DemoError as error:
            raise SystemExit(str(error)) from None
    common.say(" ".join(f"{key}={value}" for key, value in common.machine().items()))
    common.conclude(figures)


def measure(
    home: Home, contract: Contract, services: Sequence[Service], rounds: int, rate: float
) -> dict[str, Any]:
    """All figures."""
    found: list[Switched] = []
    with open_journal(source_database(contract), contract) as journal:
        online = Online(contract, Runner(journal, progress=Silent()), workers=2)
        for service in services:
            plan = examine(contract, [service])
            plan.check()
            online.start(service, plan)
        work = Work(home, rate)
        work.start()
        for number in range(rounds):
            common.say(f"round {number + 1} of {rounds}")
            found += one_round(online, contract, work, services)
        summary = work.stop()
        for service in services:
            online.abort(service, read_plan(contract, [service]))
    show_worst(found)
    violations = check_invariants(contract, home.workload / JOURNAL, lambda text: None)
    failed = sum(one["failed"] for one in summary["services"].values())
    return {"rate": rate, "rounds": rounds, **conclude(found, failed, len(violations))}


if __name__ == "__main__":
    common.ending(main)
