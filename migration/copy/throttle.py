"""Holding work back: to a rate that was asked for, or while the source answers slower than before.

A copy takes what it can get, and what it gets the source's clients lack; so do builds on a machine that they
share, and comparisons. A throttle tells each worker how long to rest; the client process that copies from the
source is stopped meanwhile, so its backend waits, too.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from types import TracebackType
from typing import Protocol

import psycopg

from core.pacing import LONGEST_REST_SECONDS, Clock, Share
from core.progress.units import size
from core.sessions.connections import Database
from core.sessions.queries import queries

query = queries(__package__)


class Throttle(Protocol):
    """Called by every worker, from its own thread: about five times a second while it copies, between two
    statements where it builds or compares."""

    def rest(self, moved: int) -> float:
        """Seconds to rest now, after `moved` more bytes of the source went through (0: go on)."""

    def why(self) -> str | None:
        """Why it holds work back now, for a person; None while it does not."""


class Unthrottled:
    """As fast as it goes."""

    def rest(self, moved: int) -> float:
        """Never."""
        return 0.0

    def why(self) -> str | None:
        """Never."""
        return None


class RateLimit:
    """At most so many bytes a second of COPY's stream, over all workers together."""

    def __init__(self, bytes_per_second: float, clock: Clock = time.monotonic) -> None:
        self.rate = bytes_per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._paid_until = clock()
        """When all that has moved would have moved at the rate."""

    def rest(self, moved: int) -> float:
        """The time by which the copy is ahead of the rate."""
        with self._lock:
            now = self._clock()
            # What was not used is not saved up: no burst after a slow stretch.
            self._paid_until = max(self._paid_until, now) + moved / self.rate
            return min(max(self._paid_until - now, 0.0), LONGEST_REST_SECONDS)

    def why(self) -> str | None:
        """While the copy is ahead of the rate."""
        return f"--rate-limit is {size(self.rate)}/s" if self._paid_until > self._clock() else None


class Governor:
    """Works less of the time (`core.pacing.Share`) while the source is slower than it was before: while the
    median of the last probes is above what is allowed."""

    WINDOW = 5

    def __init__(
        self,
        baseline_seconds: float,
        clock: Clock = time.monotonic,
        *,
        factor: float = 2.0,
        slack_seconds: float = 0.01,
    ) -> None:
        """Allowed is `factor` times the probe's time before the work, or `slack_seconds` more than it."""
        self.baseline = baseline_seconds
        self.allowed = max(baseline_seconds * factor, baseline_seconds + slack_seconds)
        self.share = Share(clock)
        self.latest = self.slowest = baseline_seconds
        """Medians of the last probes: the latest, and the largest so far."""
        self._recent: deque[float] = deque(maxlen=self.WINDOW)

    def observe(self, seconds: float) -> None:
        """A probe took so long."""
        from statistics import median

        self._recent.append(seconds)
        self.latest = median(self._recent)
        self.slowest = max(self.slowest, self.latest)
        if self.latest > self.allowed:
            self.share.halve()
            self._recent.clear()
        else:
            self.share.grow()

    def rest(self, moved: int) -> float:
        """As long as keeps this worker to the share."""
        return self.share.rest()

    def why(self) -> str | None:
        """While the share is not the whole."""
        if self.share.whole:
            return None
        now, before = self.latest * 1000, self.baseline * 1000
        return (
            f"commits took the source {now:.0f} ms, {before:.0f} before;"
            f" working {self.share.value:.0%} of the time"
        )


class SourceWatch:
    """A Governor fed by a probe of the source: how long a smallest commit takes there, four times a second.

    A context manager around the work; entering it measures the baseline (a dozen commits).
    """

    INTERVAL_SECONDS = 0.25
    BASELINE_PROBES = 12

    def __init__(self, source: Database) -> None:
        self._source = source
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="source watch", daemon=True)
        self._governor: Governor | None = None
        self._session: psycopg.Connection[tuple[object, ...]] | None = None

    def __enter__(self) -> Governor:
        """Raises SourceUnreachable, AuthenticationFailed, CopyFailed."""
        from statistics import median

        self._session = self._source.connect(application_name="waqiti-copy-probe")
        with self._source.translated("measuring how fast it answers"):
            probes = [self._probe(self._session) for _ in range(self.BASELINE_PROBES)]
        self._governor = Governor(median(probes))
        self._thread.start()
        return self._governor

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        if self._session is not None:
            self._session.close()

    def _watch(self) -> None:
        assert self._session is not None  # noqa: S101 (set before the thread starts)
        assert self._governor is not None  # noqa: S101
        while not self._stop.wait(self.INTERVAL_SECONDS):
            try:
                self._governor.observe(self._probe(self._session))
            except psycopg.Error:
                # The work's own sessions say it better if the source is gone; unwatched, it is careful.
                self._governor.share.shrink()
                return

    def _probe(self, session: psycopg.Connection[tuple[object, ...]]) -> float:
        started = time.monotonic()
        session.execute(query("probe"))
        return time.monotonic() - started
