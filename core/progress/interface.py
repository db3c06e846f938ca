"""What a long step tells the person who waits for it: phases, items, bytes, rows, notes.

A step calls the methods below, from any thread; how it looks is another module's:
`live` (a table that redraws itself, on a terminal), `lines` (plain lines at a bounded
rate, off it), `as_json` (one JSON object a line) and `Silent`. All of it goes to standard error:
standard output is for results.
"""

from __future__ import annotations

from types import TracebackType
from typing import Literal, Protocol, Self

Unit = Literal["bytes", "steps"]
"""What a phase's total counts: bytes of its tables, or its items themselves (indexes, checks)."""

Style = Literal["auto", "live", "lines", "json", "silent"]


class Progress(Protocol):
    """Receives what happens. Implementations are thread-safe and never raise for a name they do not know."""

    def about(self, subject: str) -> None:
        """The phases from now on are of this service; their names say so."""

    def phase(self, name: str, total: int | None = None, unit: Unit = "bytes") -> None:
        """A new phase begins (the one before ends): its name and, if known, its total in `unit`."""

    def table(self, name: str, total_bytes: int = 0) -> None:
        """Work on a table (or an index, a check) begins. `total_bytes` is an estimate, 0 if unknown."""

    def advance(self, name: str, bytes: int, rows: int) -> None:
        """So many more bytes and rows of a table are done; 0 and 0 says only that it is alive."""

    def done(self, name: str, rows: int, bytes: int, seconds: float) -> None:
        """A table is finished: its exact rows and bytes, and the seconds from its begin."""

    def held(self, why: str | None) -> None:
        """Why the phase's work is being held back now; None: it goes on as fast as it can."""

    def note(self, text: str) -> None:
        """One line that the person should see now."""

    def close(self) -> None:
        """The last phase ends; the terminal is given back. Can be called twice."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Closing:
    """What every implementation shares: leaving its context closes it, whatever happened; phases' names."""

    _subject = ""

    def about(self, subject: str) -> None:
        """Put `subject: ` before the names of the phases to come, unless they have it."""
        self._subject = subject

    def named(self, phase: str) -> str:
        """A phase's name as it is shown."""
        whose = f"{self._subject}: " if self._subject else ""
        return phase if phase.startswith(whose) else whose + phase

    def close(self) -> None:
        """Nothing to give back here."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Silent(Closing):
    """Says nothing: for tests, and for callers that show progress by themselves."""

    def phase(self, name: str, total: int | None = None, unit: Unit = "bytes") -> None:
        """Ignored."""

    def table(self, name: str, total_bytes: int = 0) -> None:
        """Ignored."""

    def advance(self, name: str, bytes: int, rows: int) -> None:
        """Ignored."""

    def done(self, name: str, rows: int, bytes: int, seconds: float) -> None:
        """Ignored."""

    def held(self, why: str | None) -> None:
        """Ignored."""

    def note(self, text: str) -> None:
        """Ignored."""
