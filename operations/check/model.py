"""What a check finds. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from core.errors import BackupsUnsound


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and what to do about it."""

    check: str
    """Its short name."""
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.problem}; {self.remedy}"


@dataclass(frozen=True)
class Read:
    """How many WAL segments a check read, and how many it could not for want of a private key."""

    segments: int = 0
    sealed: int = 0


@dataclass(frozen=True)
class Checked:
    """What was found of one service."""

    service: str
    findings: tuple[Finding, ...]
    lag_seconds: float | None = None
    """How long it took until what the server had written was in the archive; None: not known."""
    segments_read: int = 0
    segments_sealed: int = 0
    """Encrypted ones that nobody read before they were, and that no private key opens here."""
    seconds: dict[str, float] = field(default_factory=dict)
    stored: bool = False
    """In an object store, of which nothing was read."""

    def as_json(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "sound": not self.findings,
            "findings": [vars(one) for one in self.findings],
            "lag_seconds": self.lag_seconds,
            "segments_read": self.segments_read,
            "segments_sealed": self.segments_sealed,
            "seconds": self.seconds,
        }


Found = Callable[[str, str, str], None]
"""Takes a finding's parts."""


def require_sound(checked: list[Checked]) -> None:
    """Raises BackupsUnsound with the first findings."""
    said = [f"{one.service}: {finding}" for one in checked for finding in one.findings]
    if said:
        more = f"; and {len(said) - 2} more" if len(said) > 2 else ""
        raise BackupsUnsound("; ".join(said[:2]) + more)
