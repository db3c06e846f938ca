"""The verb `queries`, run as a person runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from components.contract import Contract
from tests.support.moves import revealed


def run_queries(contract: Contract, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`queries` as a program, with a contract in `folder`; ends within two minutes."""
    path = folder / "contract.json"
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        json.dump(revealed(contract.model_dump()), file)
    return subprocess.run(
        [sys.executable, "-m", "migration", "queries", *arguments, "--contract", str(path)],
        env={**os.environ, "NO_COLOR": "1", "WAQITI_STATE_DIR": str(folder)}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
