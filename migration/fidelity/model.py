"""An object that is not the same on source and target, as a value with the DDL that goes with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from migration.catalog.described import Described, Properties

_UNSAID = frozenset({"of", "name"})
"""Properties that are there for the DDL; the identity says them already."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An object that is not the same on both sides."""

    kind: str
    """`table`, `column`, `index`, `constraint`, `routine`, `comment`, `owner`, `privilege`, ..."""
    identity: str
    """What tells it apart among its kind, quoted as SQL."""
    source: Described | None
    """What it is on the source; None: it is not there."""
    target: Described | None
    """What it is on the target; None: it is not there."""

    @property
    def changed(self) -> tuple[str, ...]:
        """The properties that differ, where the object is on both sides."""
        if self.source is None or self.target is None:
            return ()
        here, there = self.source.properties, self.target.properties
        return tuple(sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name)))

    def __str__(self) -> str:
        if self.source is None and self.target is not None:
            return f"{self.kind} {self.identity} is only on the target: {_said(self.target.properties)}"
        if self.target is None and self.source is not None:
            return f"{self.kind} {self.identity} is only on the source: {_said(self.source.properties)}"
        both = (
            f"{name} {_value(self.source, name)} on the source, {_value(self.target, name)} on the target"
            for name in self.changed
        )
        return f"{self.kind} {self.identity} differs: {'; '.join(both)}"

    def as_json(self) -> dict[str, Any]:
        """The difference in JSON's types."""
        return {
            "kind": self.kind,
            "identity": self.identity,
            "differs": list(self.changed),
            "source": None if self.source is None else dict(self.source.properties),
            "target": None if self.target is None else dict(self.target.properties),
        }


def _said(properties: Properties) -> str:
    said = (f"{name} {value}" for name, value in sorted(properties.items()) if name not in _UNSAID)
    return "; ".join(said) or "nothing more"


def _value(side: Described | None, name: str) -> str:
    value = None if side is None else side.properties.get(name)
    return "none" if value is None else " ".join(str(value).split())
