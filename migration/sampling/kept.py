"""Samples, and the file that they are kept in: a JSON object a line, the oldest first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from components.contract import Contract
from servers.paths import make_passable, state_dir


@dataclass(frozen=True)
class Counters:
    """What a gateway has counted since it was started, of the service's database."""

    transactions: int
    statements: int
    transaction_us: int
    """Time of transactions on a server, in microseconds."""
    wait_us: int
    """Time that clients waited for a server connection, a pause included."""


@dataclass(frozen=True)
class Recent:
    """What a gateway says of its last whole minute, at the first look: what was before anybody looked."""

    transactions: float
    """A second."""
    milliseconds: float
    """A transaction."""


@dataclass(frozen=True)
class Statements:
    """What pg_stat_statements has counted of applications' statements since it was reset."""

    calls: int
    milliseconds: float


@dataclass(frozen=True)
class Sample:
    """One look; what did not answer is left out."""

    at: float
    """Seconds since 1970."""
    gateways: Mapping[str, Counters] = field(default_factory=dict)
    """By service."""
    recent: Mapping[str, Recent] = field(default_factory=dict)
    own: Mapping[str, Statements] = field(default_factory=dict)
    """By service."""
    shared: Statements | None = None

    def line(self) -> str:
        """As a line of the file."""
        parts = {
            "at": round(self.at, 3),
            "gateways": {name: [*vars(one).values()] for name, one in self.gateways.items()},
            "recent": {name: [*vars(one).values()] for name, one in self.recent.items()},
            "own": {name: [*vars(one).values()] for name, one in self.own.items()},
            "shared": None if self.shared is None else [*vars(self.shared).values()],
        }
        return json.dumps({key: value for key, value in parts.items() if value}) + "\n"


def samples_file(contract: Contract, state: Path | None = None) -> Path:
    """A stack's file in the state folder."""
    return (state or state_dir()) / "samples" / f"{contract.project}-{contract.stack.replace('/', '-')}.jsonl"


def append(file: Path, sample: Sample) -> None:
    """Add one. Raises OSError, ServerError."""
    if not file.parent.exists():
        make_passable(file.parent)
    with file.open("a", encoding="utf-8") as opened:
        opened.write(sample.line())


def read(file: Path, since: float = 0.0) -> list[Sample]:
    """Those taken since; none where there is no file. A line that cannot be read is left out."""
    found = []
    with suppress(OSError):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError, TypeError, AttributeError):
                one = _sample(json.loads(line))
                if one.at >= since:
                    found.append(one)
    return found


def _sample(said: Mapping[str, Mapping[str, list[float]]]) -> Sample:
    shared = said.get("shared")
    return Sample(
        at=float(said["at"]),  # type: ignore[arg-type]
        gateways={name: Counters(*map(int, one)) for name, one in said.get("gateways", {}).items()},
        recent={name: Recent(*one) for name, one in said.get("recent", {}).items()},
        own={name: _statements(one) for name, one in said.get("own", {}).items()},
        shared=None if shared is None else _statements(shared),  # type: ignore[arg-type]
    )


def _statements(values: list[float]) -> Statements:
    return Statements(int(values[0]), float(values[1]))
