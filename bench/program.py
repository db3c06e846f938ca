"""What the Pulumi program itself costs, by the number of services: processor time, memory, resources.

    python -m bench.program [--services 8,32,100] [--rounds 3]

Each measurement is a process of its own that runs `__main__.py` for a stack of the local platform, whose
services are copies of the catalogue's, under an engine that only writes down what it is asked for (no plugin,
no server, nothing is kept). Beside it a program that declares nothing. Processor time, so that other work on
the machine counts little. The last line is JSON.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import runpy
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pulumi
import yaml

from bench import common
from servers.certificates import Authority
from tests.support.places import REPOSITORY
from tests.unit.recording import record

EMPTY = 0


def catalogue(services: int) -> dict[str, Any]:
    """So many services, copies of those of services.yaml by turns, that cross nothing."""
    known = yaml.safe_load((REPOSITORY / "services.yaml").read_text(encoding="utf-8"))["services"]
    made: dict[str, Any] = {}
    for number, entry in zip(range(services), itertools.cycle(known.values()), strict=False):
        name = f"service{number}"
        made[name] = {
            **{key: value for key, value in entry.items() if key not in {"crossing", "reads", "slo"}},
            "schema": f"{name}_schema",
            "endpoint": {"host": f"postgres-{name}", "port": 10_000 + number},
            "database": f"waqiti_{name}",
            "role": f"waqiti_{name}_service",
            "passwordVariable": f"{name.upper()}_DB_PASSWORD",
        }
    return {"services": made}


def one(services: int, folder: Path) -> dict[str, float]:
    """In this process: run the program; returns its figures."""
    file = folder / f"{services}.yaml"
    file.write_text(yaml.safe_dump(catalogue(services)), encoding="utf-8")
    config = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]
    given = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    given["waqiti:catalogue"] = str(file)
    os.environ |= {
        "PULUMI_CONFIG": json.dumps(given),
        "WAQITI_STATE_DIR": str(folder),
        "SOURCE_DB_ADMIN_PASSWORD": "password-of-nothing",
        "SOURCE_DB_PASSWORD": "password-of-nothing",
    }
    pulumi.runtime.set_all_config(given)

    def program() -> None:
        if services != EMPTY:
            runpy.run_path(str(REPOSITORY / "__main__.py"))

    begun = time.process_time()
    found = record(program)
    return {
        "seconds": time.process_time() - begun,
        "resources": len(found),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measured(services: int, folder: Path) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "bench.program", "--one", str(services), "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.strip().splitlines()[-1])
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Measure and conclude."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--services", default="8,32,100")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        sys.stdout.write(json.dumps(one(arguments.one, arguments.folder)) + "\n")
        return
    counts = [EMPTY, *(int(text) for text in arguments.services.split(","))]
    found: dict[int, list[dict[str, float]]] = {count: [] for count in counts}
    with tempfile.TemporaryDirectory(prefix="waqiti-bench-") as name:
        folder = Path(name)
        Authority.create(folder / "source" / "tls", "bench")
        for _ in range(arguments.rounds):
            for count in counts:
                found[count].append(measured(count, folder))
                common.say(f"  {count} services: {found[count][-1]}")
    medians = {
        count: {key: common.median([one[key] for one in rounds]) for key in rounds[0]}
        for count, rounds in found.items()
    }
    smallest, largest = counts[1], counts[-1]
    common.say(" ".join(f"{key}={value}" for key, value in common.machine().items()))
    each = {count: medians[count]["seconds"] / count for count in counts[1:]}
    common.conclude(
        {
            "by_services": {str(count): figures for count, figures in medians.items()},
            "seconds_a_service_ratio": round(each[largest] / each[smallest], 2),
        }
    )


if __name__ == "__main__":
    common.ending(main)
