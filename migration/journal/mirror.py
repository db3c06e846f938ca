"""What a move is at, in a file beside the journal, for who watches (`operations.monitoring.figures.moves`).

The journal in the shared database is what counts. This is a copy of its newest words on the machine that runs
the move: who watches needs no login on the shared database to show it. A file that cannot be written is no
reason to stop a move. Shape of `<moves>/<service>.json`: state, mode, updated; step (name, began, switching);
verified (equal, at); rows; pause_seconds; gates (by stage, the names of the no-gos); orphans.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from components.contract import Contract


class Mirror:
    """The files of a stack's moves; of a stack that nobody watches, nothing is written."""

    def __init__(self, contract: Contract) -> None:
        self._folder = None if contract.monitoring is None else Path(contract.monitoring.moves)
        self._steps: dict[int, str] = {}

    def state(self, service: str, state: str, mode: str) -> None:
        """A move is in this state now."""
        self._change(service, state=state, mode=mode)

    def begun(self, service: str, record: int, step: str, *, switching: bool) -> None:
        """A step began."""
        if self._folder is not None:
            self._steps[record] = service
            self._change(service, step={"name": step, "began": time.time(), "switching": switching})

    def ended(self, record: int, figures: Mapping[str, Any]) -> None:
        """A step ended, with what it measured."""
        service = self._steps.pop(record, None)
        if service is not None:
            # A copy's; other steps count other rows.
            copied = isinstance(figures.get("rows"), int) and "bytes" in figures
            measured = {"rows": figures["rows"]} if copied else {}
            self._change(service, step=None, **measured)

    def verified(self, service: str, equal: bool) -> None:
        """Both sides were compared."""
        self._change(service, verified={"equal": equal, "at": time.time()})

    def switched(self, service: str, pause_ms: float) -> None:
        """A switch is done; its clients waited so long."""
        self._change(service, pause_seconds=round(pause_ms / 1000, 4))

    def gates(self, service: str, stage: str, no_gos: Sequence[str]) -> None:
        """Gates were asked."""
        if self._folder is not None:
            kept = self._read(self._folder / f"{service}.json").get("gates") or {}
            self._change(service, gates={**kept, stage: list(no_gos)})

    def orphans(self, service: str, rows: int) -> None:
        """Its references to other services were checked: so many of its rows refer to what is not there."""
        self._change(service, orphans=rows)

    def _change(self, service: str, **changes: Any) -> None:
        if self._folder is None:
            return
        file = self._folder / f"{service}.json"
        with suppress(OSError):
            text = json.dumps({**self._read(file), **changes, "updated": time.time()})
            fresh = file.with_name(f".{file.name}.{os.getpid()}")
            fresh.write_text(text, encoding="utf-8")
            fresh.chmod(0o644)
            fresh.replace(file)

    @staticmethod
    def _read(file: Path) -> dict[str, Any]:
        with suppress(OSError, ValueError):
            found = json.loads(file.read_text(encoding="utf-8"))
            return found if isinstance(found, dict) else {}
        return {}
