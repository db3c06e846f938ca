"""What the last rehearsal of a service's move foretells: `migration rehearse` keeps it, a gate reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from components.contract import Contract
from core import latest

_KIND = "rehearsals"


@dataclass(frozen=True)
class Rehearsal:
    """How a move went up to the switch, which was left out. Seconds, bytes."""

    at: float
    """When it ended, seconds since 1970."""
    catalogue: str
    """Digest of the services.yaml that it was of."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """By part: `copy`, `indexes`, `catch up`, `other steps`, `verification`."""
    rows: int = 0
    bytes: int = 0
    pause_ms: float = 0.0
    """What clients would wait, by earlier switches or by what was tried."""
    equal: bool = False
    """Whether all rows were the same on both sides."""
    refused: tuple[str, ...] = ()
    """Gates that would have stopped the cutover, with what they saw."""

    @property
    def total_seconds(self) -> float:
        """From the start to a verified service, ready to be switched."""
        return sum(self.seconds.values())

    @property
    def went_well(self) -> bool:
        """Whether nothing would have stopped the move."""
        return self.equal and not self.refused


def keep_rehearsal(contract: Contract, service: str, rehearsal: Rehearsal) -> Path:
    """Keep it in place of the last one; returns its file. Raises OSError, ServerError."""
    return latest.keep(contract, _KIND, service, rehearsal)


def read_rehearsal(contract: Contract, service: str) -> Rehearsal | None:
    """The last one; None where there is none, or none that this user may read."""
    return latest.read(contract, _KIND, service, Rehearsal)
