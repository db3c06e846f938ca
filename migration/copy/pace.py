"""How fast work may go that the source's clients pay for (a copy, a build, a comparison): what was asked for,
carried out, told to whoever watches, and accounted for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from core.progress.interface import Progress
from core.sessions.connections import Database
from migration.copy.throttle import Governor, RateLimit, SourceWatch, Throttle, Unthrottled

_WORTH_A_LINE_SECONDS = 0.5


@dataclass(frozen=True)
class CopyPace:
    """By default: as fast as the source's clients do not notice."""

    bytes_per_second: float | None = None
    """A fixed limit, of what is read from the source; nothing is watched then."""
    watched: bool = True
    """Whether the work makes way while the source answers more slowly than before it."""


@dataclass
class Held:
    """A throttle that tells progress why it holds work back, and adds up for how long."""

    throttle: Throttle
    progress: Progress
    also: Throttle | None = None
    """Another one, which has its own reason."""
    rested: float = 0.0
    """Seconds, of all workers together."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def rest(self, moved: int) -> float:
        """As its throttle says."""
        seconds = self.throttle.rest(moved)
        if self.also is not None:
            seconds = max(seconds, self.also.rest(moved))
        with self._lock:
            self.rested += seconds
        self.progress.held(self.why())
        return seconds

    def why(self) -> str | None:
        """As its throttles say."""
        return (self.also and self.also.why()) or self.throttle.why()

    def figures(self) -> dict[str, Any]:
        """For the journal: what held the work back, and for how long (seconds of all workers together)."""
        found: dict[str, Any] = {"rested_s": round(self.rested, 2)}
        if isinstance(self.throttle, RateLimit):
            return {"by": "rate limit", "bytes_per_second": round(self.throttle.rate), **found}
        if isinstance(self.throttle, Governor):
            before, slowest = (round(s * 1000, 2) for s in (self.throttle.baseline, self.throttle.slowest))
            return {"by": "source latency", "commit_ms_before": before, "commit_ms_slowest": slowest, **found}
        return {"by": "nothing", **found}


@contextmanager
def held_back(
    source: Database, pace: CopyPace, progress: Progress, also: Throttle | None = None, *, what: str = "copy"
) -> Iterator[Held]:
    """The throttle for work that runs inside, `what`; ends with a line about it if it rested.

    `source` is the database whose clients make way for it. `also` holds it back beside that, whatever the
    pace. Raises what connecting to the source raises.
    """
    with ExitStack() as stack:
        throttle: Throttle = Unthrottled()
        if pace.bytes_per_second is not None:
            throttle = RateLimit(pace.bytes_per_second)
        elif pace.watched:
            throttle = stack.enter_context(SourceWatch(source))
        held = Held(throttle, progress, also)
        yield held
    progress.held(None)
    if held.rested >= _WORTH_A_LINE_SECONDS:
        reason = "the rate limit" if pace.bytes_per_second is not None else "the source's clients"
        progress.note(f"the {what} rested for {reason}: {held.rested:.1f} s, all workers together")
