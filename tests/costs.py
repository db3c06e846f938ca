"""What each test file costs: `python -m tests.costs REPORT.xml [--write CONTRIBUTING.md]`.

    script/test --junitxml=REPORT.xml            # or any part of the tests: script/test unit --junitxml=...

Prints a table in Markdown from pytest's own report, the files that cost most first; those of less than
`--least` seconds are summed up by tier. Seconds are a test's set-up, call and tear-down, as one worker spent
them: a file that shares servers of the session pays for them when it is the first that asks. `--write` puts
the table between the marks `<!-- costs -->` and `<!-- /costs -->` of a document.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree  # the file is pytest's own

from tests.support.schedule import LONG, TIERS

BEGIN, END = "<!-- costs -->", "<!-- /costs -->"
LONG_SECONDS = 30.0
"""From here on a file is to start early: tests/support/schedule.py."""


@dataclass(frozen=True)
class Cost:
    """A file's tests and what they cost, in seconds."""

    tests: int
    seconds: float
    longest: float
    name_of_longest: str


def read_costs(report: Path) -> dict[str, Cost]:
    """Costs by file, from a report of `--junitxml`. Raises OSError, ElementTree.ParseError."""
    found: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 (pytest's own file)
        found[_file(case.get("classname", ""))].append((float(case.get("time", "0")), case.get("name", "")))
    return {
        file: Cost(len(cases), sum(seconds for seconds, _ in cases), *max(cases))
        for file, cases in found.items()
    }


def table(costs: Mapping[str, Cost], least: float) -> Iterator[str]:
    """The lines of the table: files of at least `least` seconds, each tier's rest in a line, the sum."""
    yield "| file | tests | seconds | longest test |"
    yield "|---|---:|---:|---|"
    by_cost = sorted(costs.items(), key=lambda item: -item[1].seconds)
    for file, cost in by_cost:
        if cost.seconds >= least:
            name = cost.name_of_longest.partition("[")[0]
            yield f"| {file} | {cost.tests} | {cost.seconds:.0f} | {name}, {cost.longest:.0f} |"
    for tier in TIERS:
        rest = [cost for file, cost in by_cost if f"/{tier}/" in file and cost.seconds < least]
        if rest:
            yield f"| {len(rest)} more of tests/{tier} | {_tests(rest)} | {_seconds(rest):.0f} | |"
    yield f"| all | {_tests(costs.values())} | {_seconds(costs.values()):.0f} | |"


def main(arguments: list[str] | None = None) -> int:
    """Print the table, or write it into a document; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.costs", description="What each test file costs.")
    parser.add_argument("report", type=Path, help="what pytest wrote with --junitxml")
    parser.add_argument("--least", type=float, default=5.0, help="seconds from which a file has its own line")
    parser.add_argument("--write", type=Path, metavar="DOCUMENT", help="put the table between its marks")
    given = parser.parse_args(arguments)
    try:
        costs = read_costs(given.report)
        text = "\n".join(table(costs, given.least))
        if given.write is None:
            print(text)
        else:
            _write(given.write, text)
    except (OSError, ElementTree.ParseError, ValueError) as error:
        parser.error(str(error))
    for file, cost in costs.items():
        if cost.seconds >= LONG_SECONDS and Path(file).stem not in LONG and "test_docker_" not in file:
            print(f"{file}: {cost.seconds:.0f} s, not in LONG of tests/support/schedule.py", file=sys.stderr)
    return 0


def _file(classname: str) -> str:
    """`tests.unit.test_x.TestClass` is in tests/unit/test_x.py."""
    parts = classname.split(".")
    module = next((n for n, part in enumerate(parts) if part.startswith("test_")), len(parts) - 1)
    return "/".join(parts[: module + 1]) + ".py"


def _write(document: Path, text: str) -> None:
    before, begin, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{document} has no {BEGIN} and {END} after it")
    document.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def _tests(costs: Iterable[Cost]) -> int:
    return sum(cost.tests for cost in costs)


def _seconds(costs: Iterable[Cost]) -> float:
    return sum(cost.seconds for cost in costs)


if __name__ == "__main__":
    sys.exit(main())
