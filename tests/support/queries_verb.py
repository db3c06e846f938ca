"""The verb `queries`, run as a person runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from components.contract import Contract
from tests.support.moves import revealed


def start_queries(contract: Contract, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """`queries` as a program, with a contract in `folder`."""
    path = folder / "contract.json"
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        json.dump(revealed(contract.model_dump()), file)
    return subprocess.Popen(
        [sys.executable, "-m", "migration", "queries", *arguments, "--contract", str(path)],
        env={**os.environ, "NO_COLOR": "1", "WAQITI_STATE_DIR": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_queries(contract: Contract, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same to its end, within two minutes."""
    with start_queries(contract, folder, *arguments) as process:
        try:
            out, error = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, error)
