"""The stack's settings: how often what was rotated. Numbers only, so they can be committed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import PulumiFailed
from operations.preview import pulumi


@dataclass(frozen=True)
class Counts:
    """Of one service; `components.service.turns.Turns` says what they mean."""

    logins: int = 0
    changing: bool = False
    own: int = 0


@dataclass(frozen=True)
class StackSettings:
    """The settings of one stack of a project in `folder`."""

    folder: Path
    project: str
    stack: str

    @property
    def file(self) -> Path:
        """Where Pulumi keeps them."""
        return self.folder / f"Pulumi.{self.stack.rpartition('/')[2]}.yaml"

    def counts(self, service: str) -> Counts:
        """Raises PulumiFailed."""
        done = pulumi.run(self.folder, "config", "--json", "--stack", self.stack)
        if done.returncode:
            raise PulumiFailed(pulumi.last_line(done.stderr))
        given: Mapping[str, Any] = json.loads(done.stdout).get(f"{self.project}:rotation") or {}
        found = (given.get("objectValue") or json.loads(given.get("value") or "{}")).get(service) or {}
        return Counts(
            int(found.get("logins", 0)), bool(found.get("changing", False)), int(found.get("own", 0))
        )

    def write(self, service: str, counts: Counts) -> None:
        """Raises PulumiFailed."""
        where = f'{self.project}:rotation["{service}"]'
        values = {"logins": counts.logins, "changing": str(counts.changing).lower(), "own": counts.own}
        pairs = [word for key, one in values.items() for word in ("--plaintext", f"{where}.{key}={one}")]
        done = pulumi.run(self.folder, "config", "set-all", "--path", "--stack", self.stack, *pairs)
        if done.returncode:
            raise PulumiFailed(pulumi.last_line(done.stderr))

    @contextmanager
    def unless(self) -> Iterator[list[bool]]:
        """What is written inside is taken back, whatever happens, until the list that is given holds True."""
        before = self.file.read_bytes() if self.file.exists() else None
        kept: list[bool] = []
        try:
            yield kept
        finally:
            if not any(kept) and before is not None:
                self.file.write_bytes(before)
