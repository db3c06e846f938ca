"""What a service's own instance gives, against the shared database, as it was measured.

`operations load compare` keeps it, the gate `performance` of `migration` reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from components.contract import Contract
from core import latest

MOST_LOSS = 0.05
"""Of the throughput: what a service may lose by being moved."""
_KIND = "loads"


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
    return latest.folder_of(contract, _KIND)


def keep_measured(contract: Contract, service: str, measured: Measured) -> Path:
    """Keep it in place of the last one; returns its file. Raises OSError, ServerError."""
    return latest.keep(contract, _KIND, service, measured)


def read_measured(contract: Contract, service: str) -> Measured | None:
    """The last one; None where there is none, or none that this user may read."""
    return latest.read(contract, _KIND, service, Measured)
