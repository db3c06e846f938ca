"""The answer that a report begins with: what has moved, was lost, who waited, what is left to do. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from migration.report.model import Report, ServiceReport

HOME = frozenset({"moved", "already moved", "finished"})
_NEXT = {
    "not begun": ("", "python -m migration run {names}"),
    "undone": ("", "python -m migration run {names}"),
    "following": ("", "python -m migration cutover {names}"),
    "fallen back": ("", "docs/runbooks/rollback.md"),
    "moved": (", to be finished once nobody wants it back", "python -m migration finish {names}"),
}
_ELSE = ("", "python -m migration resume {names}")


@dataclass(frozen=True)
class Answer:
    """In words."""

    moved: str
    lost: str
    waited: str
    good: bool
    """Everything has moved and nothing differs."""
    left: tuple[tuple[str, str], ...]
    """What is left to do, and the command or page for it."""

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {**vars(self), "left": [list(one) for one in self.left]}


def answer(report: Report) -> Answer:
    """Of a whole report."""
    services = report.services
    home = [one for one in services if one.state in HOME]
    differing = [one.service for one in services if one.verdict == "differs"]
    compared = [one for one in services if one.verdict == "equal"]
    left = tuple(_left(report, services))
    if home and len(home) == len(services):
        moved = (
            f"All {len(services)} services have moved." if len(services) > 1 else f"{_names(home)} has moved."
        )
    elif home:
        moved = f"{len(home)} of {len(services)} services have moved."
    else:
        moved = "No service has moved yet."
    if differing:
        lost = f"Not equal: {', '.join(differing)}."
    elif compared:
        rows = sum(one.compared_rows for one in compared)
        lost = f"{rows:,} rows were compared, none is lost or differs."
        if missing := [one.service for one in home if one.verdict != "equal"]:
            lost += f" Not compared: {', '.join(missing)}."
    else:
        lost = "Nothing was compared yet."
    good = bool(services) and len(home) == len(services) == len(compared) and report.error is None
    return Answer(moved, lost, _waited(services), good, left)


def _waited(services: Sequence[ServiceReport]) -> str:
    pauses = [(pause.ms, one.service, pause.verb) for one in services for pause in one.pauses]
    pauses += [
        (float(point.figures.get("pause_ms") or 0.0), "all services", "restore point")
        for one in services
        for point in one.points
    ]
    if not pauses:
        return "No client has been made to wait."
    ms, service, verb = max(pauses)
    return f"The longest that clients waited was {_time(ms)} ({service}, {verb})."


def _left(report: Report, services: Sequence[ServiceReport]) -> Iterator[tuple[str, str]]:
    if report.error is not None:
        yield "mend what ended the run early", report.error
    if report.broken:
        yield "the evidence cannot be trusted", report.broken
    for one in services:
        if one.verdict == "differs":
            yield f"{one.service}: rows differ", f"python -m migration verify {one.service}"
    yield from _states(services)
    unproven = [one.service for one in services if one.backed_up and one.state in HOME and not _proven(one)]
    if unproven:
        names = ", ".join(unproven)
        yield (
            f"no backup of {names} was restored and found sound",
            f"python -m operations proof {' '.join(unproven)}",
        )
    if report.isolated is None:
        yield "nobody has tried yet whether the services are isolated", "script/isolation"
    elif not report.isolated:
        yield "a door between services is open", "script/isolation"


def _names(services: Sequence[ServiceReport]) -> str:
    return ", ".join(one.service for one in services)


def _states(services: Sequence[ServiceReport]) -> Iterator[tuple[str, str]]:
    """Those in one state together."""
    states: dict[str, list[str]] = {}
    for one in services:
        states.setdefault(one.state.removeprefix("already "), []).append(one.service)
    for state, names in states.items():
        if state != "finished":
            more, how = _NEXT.get(state, _ELSE)
            verb = "is" if len(names) == 1 else "are"
            yield f"{', '.join(names)} {verb} {state}{more}", how.format(names=" ".join(names))


def _proven(one: ServiceReport) -> bool:
    return any(proof.facts.get("sound") for proof in one.chronicle.proofs)


def _time(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"
