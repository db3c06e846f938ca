"""Plots as SVG that stands in the page: drawn for the width of a phone, in the page's own colours. Pure.

Text is escaped; colours are the page's variables, so that one plot does on light, on dark and on paper.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from migration.journal.pauses import Pause
from migration.report.load import Load, Point
from migration.report.model import PhaseReport
from migration.report.phases import phase_of

WIDTH, HEIGHT = 360, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 8, 10, 18
_ROW = 19
_LETTER = 5.8
"""The width of one, about."""
_SHORT = {
    "compare the keys changed since the last verification": "compare what changed since",
    "stop the replication to the new side": "stop the replication",
    "make the slot of the replication back": "slot of the way back",
    "start the replication back": "start the way back",
    "prove the replication back with a heartbeat": "prove the way back",
    "drop the slot of the replication that has ended": "drop the old slot",
    "catch up to the last write": "catch up",
}


@dataclass(frozen=True)
class Mark:
    """A moment with a word."""

    at: float
    """Seconds since 1970."""
    word: str


def rate_chart(load: Load, marks: Sequence[Mark], what: str) -> str:
    """Events a second over time."""
    return _chart(load.points, lambda one: one.per_second, marks, f"{what} a second", "/s")


def time_chart(load: Load, marks: Sequence[Mark], what: str) -> str:
    """Milliseconds that each took over time."""
    return _chart(load.points, lambda one: one.milliseconds, marks, f"milliseconds a {what}", "ms")


def _chart(
    points: Sequence[Point],
    value: Callable[[Point], float | None],
    marks: Sequence[Mark],
    label: str,
    unit: str,
) -> str:
    known = [(one.at, found) for one in points if (found := value(one)) is not None]
    if len(known) < 2:
        return ""
    first, last = points[0].at - points[0].seconds / 2, points[-1].at + points[-1].seconds / 2
    top = _nice(max(found for _, found in known))
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM

    def x(at: float) -> float:
        return _LEFT + (at - first) / (last - first) * (right - _LEFT)

    def y(found: float) -> float:
        return bottom - found / top * (bottom - _TOP)

    line = " ".join(f"{x(at):.1f},{y(found):.1f}" for at, found in known)
    area = f"{x(known[0][0]):.1f},{bottom} {line} {x(known[-1][0]):.1f},{bottom}"
    drawn = [f'<polygon class="area" points="{area}"/>', f'<polyline class="line" points="{line}"/>']
    for part in (0.0, 0.5, 1.0):
        at = y(top * part)
        drawn.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>')
        drawn.append(_text(_LEFT - 4, at + 4, _number(top * part), "end"))
    drawn += _marks([(x(mark.at), mark.word) for mark in marks if first <= mark.at <= last], bottom)
    drawn.append(_text(_LEFT, HEIGHT - 4, _clock(first), "start"))
    drawn.append(_text(right, HEIGHT - 4, f"{_clock(last)} UTC", "end"))
    said = f"{label}, {_clock(first)} to {_clock(last)} UTC: at most {max(f for _, f in known):.1f} {unit}"
    return _svg(HEIGHT, said, drawn)


def pause_chart(pause: Pause) -> str:
    """What was done in a pause, step below step, over its milliseconds."""
    parts = pause.parts
    if not parts:
        return ""
    left, right = 172, WIDTH - 44
    whole = max(pause.ms, 0.001)
    drawn = []
    for row, part in enumerate(parts):
        at = 4 + row * _ROW
        begin = left + part.began_ms / whole * (right - left)
        width = max(1.5, part.ms / whole * (right - left))
        kind = "bar" if part.done else "bar failed"
        title = f"<title>{escape(part.step)}: {part.ms:.1f} ms</title>"
        drawn.append(_text(left - 6, at + 12, _shortened(part.step), "end"))
        place = f'x="{begin:.1f}" y="{at + 3}" width="{width:.1f}" height="11" rx="1.5"'
        drawn.append(f'<rect class="{kind}" {place}>{title}</rect>')
        drawn.append(_text(min(begin + width + 4, WIDTH - 36), at + 12, f"{part.ms:.0f} ms", "start"))
    height = 8 + len(parts) * _ROW
    said = f"the steps of the pause of {pause.ms:.0f} ms: " + ", ".join(
        f"{part.step} {part.ms:.0f} ms" for part in parts
    )
    return _svg(height, said, drawn)


@dataclass(frozen=True)
class Segment:
    """A part of a timeline, in percent of the longest one."""

    width: float
    colour: str
    """Empty: of no kind of work that the legend has."""
    title: str
    kind: str = ""
    """Without a colour: `gap`, in which nothing was done, or `other`."""


def timeline(phases: Sequence[PhaseReport], longest: float) -> list[Segment]:
    """A service's steps in order; a gap between two is drawn no wider than a hundredth, whatever it took."""
    found: list[Segment] = []
    for number, phase in enumerate(phases):
        if not phase.seconds:
            continue
        before = phases[number - 1] if number else None
        if before is not None and before.seconds is not None:
            idle = (phase.began - before.began).total_seconds() - before.seconds
            if idle > longest * 0.02:
                found.append(Segment(1.0, "", f"nothing for {idle:.0f} s", "gap"))
        kind = phase_of(phase.step)
        found.append(
            Segment(
                round(phase.seconds / longest * 90, 3),
                kind.colour if kind else "",
                f"{phase.step}: {phase.seconds:.3f} s, {phase.outcome}",
                "" if kind else "other",
            )
        )
    return found


def _marks(marks: Sequence[tuple[float, str]], bottom: float) -> Iterator[str]:
    ends: list[float] = []
    """Of the words in each row, the first row at the top."""
    for at, word in sorted(marks):
        yield f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{bottom}"/>'
        wide = len(word) * _LETTER + 6
        begin = at if at + wide < WIDTH else at - wide
        row = next((n for n, end in enumerate(ends) if end < begin), len(ends))
        ends[row : row + 1] = [begin + wide]
        yield _text(begin + 3, _TOP + 9 + row * 11, word, "start")


def _svg(height: int, said: str, drawn: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(said)}">'
        + "".join(drawn)
        + "</svg>"
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _shortened(step: str) -> str:
    known = _SHORT.get(step, step)
    return known if len(known) <= 27 else known[:26] + "…"


def _nice(most: float) -> float:
    """The next of 1, 2, 5, 10, ... that is not less."""
    if most <= 0:
        return 1.0
    ten: float = 10.0 ** math.floor(math.log10(most))
    return next(ten * step for step in (1, 2, 5, 10) if ten * step >= most)


def _number(value: float) -> str:
    return f"{value:g}" if value < 10_000 else f"{value / 1000:g}k"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")
