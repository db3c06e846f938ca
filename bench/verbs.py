"""What a verb takes to start: processor seconds of `python -m migration VERB` before its own work begins.

`python -m bench.verbs`: each verb is run with a contract that is not there, the first thing it looks for, in
turn with the import of the libraries that all of them stand on (typer, pydantic, psycopg). Figures are
processor seconds, user and system, of the whole process; medians of eleven.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys

from bench.common import ending, machine

ROUNDS = 11
VERBS = (
    "status",
    "references",
    "queries",
    "plan",
    "gates",
    "verify",
    "start",
    "cutover",
    "rollback",
    "finish",
)
LIBRARIES = "import typer, pydantic, psycopg; pydantic.BaseModel"


def processor_seconds(*arguments: str) -> float:
    """What one run of Python takes; its output is thrown away."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_with_bytecode(),
    ) as child:
        _, _, used = os.wait4(child.pid, 0)
        child.returncode = 0
    return used.ru_utime + used.ru_stime


def _with_bytecode() -> dict[str, str]:
    """Where nobody may keep bytecode, each start would compile all modules: that is no figure of a verb."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def main() -> None:
    """Measure, and print a table in Markdown."""
    runs: dict[str, list[float]] = {verb: [] for verb in ("nothing", "libraries", *VERBS)}
    for _ in range(ROUNDS):
        runs["nothing"].append(processor_seconds("-c", "pass"))
        runs["libraries"].append(processor_seconds("-c", LIBRARIES))
        for verb in VERBS:
            runs[verb].append(
                processor_seconds("-m", "migration", verb, "--all", "--contract", "/nonexistent")
            )
    print(json.dumps(machine()))
    print("| started | processor, median | best | worst |\n|---|---|---|---|")
    for name, seconds in runs.items():
        print(f"| {name} | {statistics.median(seconds):.3f} s | {min(seconds):.3f} | {max(seconds):.3f} |")


if __name__ == "__main__":
    ending(main)
