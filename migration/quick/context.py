"""What the steps of a quick rollback work on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.gateway.gateway import Gateway
from core.sessions.connections import Database
from migration.catalog.tables import Table
from migration.steps.context import OnlineMove
from migration.verify.model import Verification

Beyond = Literal["apply", "leave"]
"""What becomes of rows that the shared database has beyond the restored one: its own takes them over, or
they are given up, and the shared database takes its own's."""

PAUSE_SECONDS = 10.0
SEQUENCE_GAP = 100_000


@dataclass
class QuickMove(OnlineMove):
    """A move, and what the person decided."""

    beyond: Beyond | None = None
    """None: shown, and decided in another run."""
    sequence_gap: int = SEQUENCE_GAP
    """Numbers left out of each sequence, where nobody knows which its lost database has given out."""
    kept_in: Path = Path()
    """The folder for files of what differs."""
    found: Verification | None = None
    """What the comparison found."""
    kept: Path | None = None
    """The file of the rows that differ, both sides' of each."""

    @property
    def tables(self) -> list[Table]:
        """Those that are compared."""
        return [table for table in self.own.relations if table.holds_rows and not table.unlogged]

    def hold_clients(self) -> Gateway:
        """Let the clients wait, however long."""
        gateway = self.gateway
        gateway.pause(PAUSE_SECONDS)
        gateway.hold()
        return gateway

    def lead_clients(self, to: Literal["source", "target"]) -> None:
        """Lead them there, and let them go on."""
        gateway = self.gateway
        gateway.repoint(to)
        gateway.resume()
        gateway.release()

    def close(self, database: Database, seconds: float = 10.0) -> int:
        """Close a side, guards mended first; returns the writers that were under way."""
        with self.guards(database) as guards:
            guards.restore()
            return guards.close(seconds).waited_for
