"""The pauses of a move, from its steps: what was done in each, at which millisecond. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

_PAUSE, _RESUME = "pause the gateway", "resume the gateway"
_VERBS = ("cutover", "rollback", "")
"""How switches' steps are called: `cutover: pause the gateway`; those of an offline move have no verb."""


class Recorded(Protocol):
    """A step as the journal has it."""

    @property
    def step(self) -> str: ...
    @property
    def started(self) -> datetime: ...
    @property
    def finished(self) -> datetime | None: ...
    @property
    def outcome(self) -> str | None: ...
    @property
    def figures(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Part:
    """A step inside a pause."""

    step: str
    began_ms: float
    """After the pause began."""
    ms: float
    done: bool


@dataclass(frozen=True)
class Pause:
    """One time that a service's clients waited."""

    verb: str
    """`cutover`, `rollback`; `move` for one with its writes stopped."""
    began: datetime
    ms: float
    parts: tuple[Part, ...]
    done: bool
    """Whether the switch went through; else clients went on where they were."""
    together: tuple[str, ...] = ()
    """The services whose clients waited at the same time, for one switch of them all; empty: it was alone."""

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "verb": self.verb,
            "began": self.began.isoformat(),
            "ms": round(self.ms, 1),
            "done": self.done,
            **({"together": list(self.together)} if self.together else {}),
            "steps_ms": {part.step: round(part.ms, 1) for part in self.parts},
        }


def pauses_of(steps: Sequence[Recorded]) -> list[Pause]:
    """The pauses of a move that have ended, the oldest first."""
    found = []
    for verb in _VERBS:
        prefix = f"{verb}: " if verb else ""
        open_steps: list[Recorded] = []
        for step in steps:
            name = step.step.removeprefix(prefix)
            if prefix and not step.step.startswith(prefix):
                continue
            if name == _PAUSE and (prefix or ": " not in step.step):
                open_steps = [step]
            elif open_steps and step.finished is not None:
                open_steps.append(step)
                if name == _RESUME:
                    found.append(_pause(verb, prefix, open_steps))
                    open_steps = []
    return sorted(found, key=lambda one: one.began)


def _pause(verb: str, prefix: str, steps: Sequence[Recorded]) -> Pause:
    began, ended = steps[0].started, steps[-1].finished or steps[-1].started
    done = all(step.outcome == "done" for step in steps)
    parts: list[Part] = []
    for step in steps:
        if step.finished is None:
            continue
        at, ms = _ms(began, step.started), _ms(step.started, step.finished)
        if done and "ms" in step.figures:
            # A switch's records are written beside its steps, a moment later: each one's own figure is exact.
            at, ms = parts[-1].began_ms + parts[-1].ms if parts else 0.0, float(step.figures["ms"])
        parts.append(Part(step.step.removeprefix(prefix), at, ms, step.outcome == "done"))
    whole = parts[-1].began_ms + parts[-1].ms if done and parts else _ms(began, ended)
    together = tuple(steps[0].figures.get("together", ()))
    return Pause(verb or "move", began, whole, tuple(parts), done, together)


def _ms(began: datetime, ended: datetime) -> float:
    return (ended - began).total_seconds() * 1000
