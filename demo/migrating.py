"""Running `python -m migration` on the demo's stack, as its user would, while the workload goes on."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.environment import children
from demo.environment.home import Home
from demo.errors import DemoError
from demo.stages import Stages
from demo.workload.run import STATEMENTS
from demo.workload.statement_log import read_log

REHEARSED = "wallet"
"""The service that is led back and forth again: the one with most writes."""
_OF_A_MOVE = ("state", "rows", "bytes", "seconds", "clients_waited_seconds", "verified")
_THERE = ("moved", "finished")
"""States of a service in the migration's journal."""
_ROWS = re.compile(r"([\d,]+) rows")


@dataclass(frozen=True)
class Window:
    """A stretch of time, in seconds since 1970."""

    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it was."""
        return round(self.ended - self.began, 2)


def move_online(home: Home, stages: Stages, *, kept: bool, as_json: bool) -> dict[str, Any]:
    """Copy while services write, switch each for a moment, lead one back, and forth again.

    With `kept`, what an earlier demo began is brought to an end first, and what it moved stays moved.
    Returns facts for the summary: seconds of each part, and the longest wait of a statement in it, by
    service, in milliseconds. Raises DemoError.
    """
    facts: dict[str, Any] = {}
    if kept:
        with stages.stage("settle", quiet=True):
            migrate(home, "resume", "--all", as_json=as_json)
    before = {service: status["state"] for service, status in states(home).items()}
    parts: list[tuple[str, tuple[str, ...]]] = [
        ("migration", ("run", "--all", "--report", str(home.reports)))
    ]
    if before.get(REHEARSED) not in _THERE:
        parts += [
            ("rollback", ("rollback", REHEARSED, "--immediate")),
            ("cutover again", ("cutover", REHEARSED)),
        ]
    for part, command in parts:
        with stages.stage(part, quiet=True) as stage:
            began = time.time()
            migrate(home, *command, "--yes", as_json=as_json)
            window = Window(began, time.time())
            waits = longest_waits(home, window)
            facts[part] = {"seconds": window.seconds, "longest_wait_ms": waits}
            if waits:
                slowest = max(waits, key=lambda service: waits[service])
                stage.result = f"longest wait of a statement: {waits[slowest]:.0f} ms ({slowest})"
    return facts


def move_offline(home: Home, stages: Stages, *, as_json: bool) -> dict[str, Any]:
    """Move each service while its clients wait. Returns facts as `move_online`. Raises DemoError."""
    with stages.stage("migration", quiet=True):
        began = time.time()
        report = ("--report", str(home.reports))
        migrate(home, "run", "--stop-writes", "--all", "--yes", *report, as_json=as_json)
        window = Window(began, time.time())
    waits = longest_waits(home, window)
    return {"migration": {"seconds": window.seconds, "longest_wait_ms": waits}}


def migrate(home: Home, verb: str, *arguments: str, as_json: bool = False) -> None:
    """Run one command with its progress on our stderr; what it prints goes to a file of the demo's logs.

    With `as_json` its progress is JSON lines. Raises DemoError when it fails; its own line says why.
    """
    run_program(home, "migration", verb, *arguments, as_json=as_json)


def run_program(
    home: Home,
    program: str,
    verb: str,
    *arguments: str,
    as_json: bool,
    allowed: Sequence[int] = (),
    quiet: bool = False,
) -> Path:
    """Run one command of `python -m PROGRAM`; returns the file of the demo's logs that has what it printed.

    `quiet`: its progress goes to a file beside that one. Raises DemoError when it ends with a status
    that is not `allowed`.
    """
    command = [sys.executable, "-m", program, verb, *arguments, "--contract", str(home.contract)]
    name = f"{program}-{verb}"
    printed, said = home.logs / f"{name}.out", home.logs / f"{name}.err"
    with printed.open("wb") as file, said.open("wb") as errors:
        child = children.start(
            home,
            name,
            [*command, "--json"] if as_json else command,
            variables=home.environment(),
            output=file,
            errors=errors if quiet else None,
        )
    try:
        status = child.wait()
    except BaseException:
        children.stop(child)
        raise
    if status and status not in allowed:
        lines = said.read_text(encoding="utf-8", errors="replace").strip().splitlines() if quiet else []
        why = f": {lines[-1]}" if lines else ", for the reason above"
        raise DemoError(
            f"python -m {program} {verb} ended with status {status}{why}; to go on where"
            " it stopped: script/demo --keep"
        )
    return printed


def states(home: Home) -> dict[str, dict[str, Any]]:
    """What `python -m migration status` says of each service. Raises DemoError."""
    done = subprocess.run(
        [sys.executable, "-m", "migration", "status", "--json", "--contract", str(home.contract)],
        env={**os.environ, **home.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DemoError(f"python -m migration status failed: {done.stderr.strip()}")
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)["services"]
    return found


def moved(home: Home) -> dict[str, dict[str, Any]]:
    """Of each service: its state, rows, and how they were verified; from the last report if there is one."""
    report = latest_report(home)
    if report is not None:
        return {one["service"]: {name: one[name] for name in _OF_A_MOVE} for one in report[1]["services"]}
    found = {}
    for service, status in states(home).items():
        verified = str(status["verified"] or "")
        rows = _ROWS.search(verified)
        found[service] = {
            "state": status["state"],
            "verified": verified.partition(",")[0],
            "rows": int(rows[1].replace(",", "")) if rows else None,
            "bytes": status["target_bytes"],
        }
    return found


def latest_report(home: Home) -> tuple[Path, dict[str, Any]] | None:
    """The HTML page of the last report, and the same as JSON; None if there is none."""
    pages = sorted(home.reports.glob("*.html"), key=lambda page: page.stat().st_mtime)
    if not pages:
        return None
    document: dict[str, Any] = json.loads(pages[-1].with_suffix(".json").read_text(encoding="utf-8"))
    return pages[-1], document


def longest_waits(home: Home, window: Window) -> dict[str, float]:
    """The longest that a statement of each service took, of those sent in a window; milliseconds."""
    longest: dict[str, float] = {}
    for statement in read_log(home.workload / STATEMENTS, since=window.began, until=window.ended):
        longest[statement.service] = max(longest.get(statement.service, 0.0), statement.ms)
    return {service: round(ms, 1) for service, ms in sorted(longest.items())}
