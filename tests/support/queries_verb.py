"""The verb `queries`, run as a person runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from components.contract import Contract
from tests.support import forks
from tests.support.moves import revealed


def start_queries(contract: Contract, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """`queries` as a program, with a contract in `folder`."""
    return subprocess.Popen(
        [sys.executable, "-m", *_words(contract, folder, arguments)],
        env=_environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_queries(contract: Contract, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same to its end, within two minutes."""
    entry, *words = _words(contract, folder, arguments)
    return forks.run(entry, *words, environment=_environment(folder), timeout=120)


def _words(contract: Contract, folder: Path, arguments: Sequence[str]) -> list[str]:
    path = folder / "contract.json"
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        json.dump(revealed(contract.model_dump()), file)
    return ["migration", "queries", *arguments, "--contract", str(path)]


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "NO_COLOR": "1", "WAQITI_STATE_DIR": str(folder)}
