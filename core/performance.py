"""What a service's own instance gives, against the shared database, as it was measured: a file a service.

`operations load compare` keeps it, the gate `performance` of `migration` reads it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from components.contract import Contract
from servers import osuser
from servers.paths import make_passable, state_dir

MOST_LOSS = 0.05
"""Of the throughput: what a service may lose by being moved."""


@dataclass(frozen=True)
class Measured:
    """The last comparison."""

    at: float
    """Seconds since 1970."""
    loss: float
    """Part of the throughput that is lost; below 0: gained."""
    spread: float
    """Between the best round and the worst."""
    shared_per_second: float
    own_per_second: float
    clients: int


def folder_of(contract: Contract) -> Path:
    """Where a stack's loads are, and what came of them."""
    return state_dir() / "loads" / f"{contract.project}-{contract.stack}"


def _file(contract: Contract, service: str) -> Path:
    return folder_of(contract) / f"{service}.json"


def keep_measured(contract: Contract, service: str, measured: Measured) -> Path:
    """Keep it in place of the last one; returns its file. Raises OSError, ServerError."""
    file = _file(contract, service)
    make_passable(file.parent)
    osuser.write_private(file, json.dumps(asdict(measured)) + "\n", ours=True)
    return file


def read_measured(contract: Contract, service: str) -> Measured | None:
    """The last one; None where there is none, or none that this user may read."""
    with suppress(OSError, ValueError, TypeError):
        return Measured(**json.loads(_file(contract, service).read_text(encoding="utf-8")))
    return None
