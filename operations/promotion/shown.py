"""What a preview showed, and whether that is what will be done, and what was done. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from operations.preview.steps import Preview, Step


@dataclass(frozen=True)
class Shown:
    """The steps of a preview, in no order."""

    steps: frozenset[str]
    """Each as canonical JSON: operation, resource, every property before and after; secrets masked."""
    resources: frozenset[tuple[str, str]]
    """Operation and URN of each."""

    @property
    def digest(self) -> str:
        """By which a person or a later job names what was shown."""
        return hashlib.sha256("\n".join(sorted(self.steps)).encode()).hexdigest()

    def otherwise(self, other: Shown) -> list[str]:
        """What `other` would do that this did not show, and the other way round."""
        more = [f"more: {_short(one)}" for one in sorted(other.steps - self.steps)]
        return [*more, *(f"no more: {_short(one)}" for one in sorted(self.steps - other.steps))]

    def not_shown(self, done: Iterable[tuple[str, str]]) -> list[str]:
        """What was done and had not been shown. (A resource that turns out to be as it was is no harm.)"""
        return [
            f"{operation} {urn.rpartition('::')[2]}"
            for operation, urn in done
            if not self._had(operation, urn)
        ]

    def _had(self, operation: str, urn: str) -> bool:
        return (operation, urn) in self.resources


def shown(preview: Preview) -> Shown:
    """What a preview showed."""
    return Shown(
        frozenset(_canonical(step) for step in preview.steps),
        frozenset((step.operation, step.urn) for step in preview.steps),
    )


def done_in(events: str) -> list[tuple[str, str]]:
    """Operation and URN of all that an `up` did, from the engine's event log."""
    found: dict[tuple[str, str], None] = {}
    for line in events.splitlines():
        event = json.loads(line).get("resOutputsEvent")
        if event:
            operation, urn = event["metadata"]["op"], event["metadata"]["urn"]
            kind = _KINDS.get(operation)
            if kind and not _is_engines(urn):
                found[kind, urn] = None
    return list(found)


def _is_engines(urn: str) -> bool:
    """A default provider, which the engine makes by itself and shows in no preview."""
    return "::pulumi:providers:" in urn and urn.rpartition("::")[2].startswith("default")


_KINDS = {
    "create": "create",
    "update": "update",
    "delete": "delete",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "import": "create",
    "discard": "delete",
}


def _canonical(step: Step) -> str:
    changes = [[one.name, one.before, one.after] for one in step.changes]
    given = step.after if step.operation == "create" else {}
    return json.dumps([step.operation, step.urn, changes, given], sort_keys=True, default=str)


def _short(step: str) -> str:
    operation, urn, changes, _ = json.loads(step)
    names = ", ".join(one[0] for one in changes)
    return f"{operation} {urn.rpartition('::')[2]}" + (f" ({names})" if names else "")
