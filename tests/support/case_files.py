"""Small inputs that once failed, a file each: tests/cases/NAME.sql (its README.md has the sections)."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

FOLDER = Path(os.environ.get("WAQITI_CASES") or Path(__file__).parents[1] / "cases")
"""Another folder of such files can be tried by naming it in WAQITI_CASES."""

Flow = Literal["online", "offline", "plan"]

_SECTION = re.compile(r"^-- @(\w+)[ \t]*(.*)$", re.MULTILINE)
_REPEATED = ("pair", "refused", "srcset", "during", "after", "own", "remedy", "dumped", "copied")
_KNOWN = frozenset({
    "source", "target", "flow", "services", "setup", "late", "writer", "hold", "check", "fix", "stopped",
    *_REPEATED,
})  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One input. Texts are SQL, empty where the file has no such section."""

    name: str
    source: int
    target: int
    flow: Flow
    services: tuple[str, ...]
    parameters: dict[str, str]
    """Of the shared database's whole server."""
    setup: str
    late: str
    dumped: tuple[str, ...]
    """Of a superuser in the shared database, while `start` copies: after the dump of its schema."""
    copied: tuple[str, ...]
    """After the rows."""
    during: tuple[str, ...]
    writer: str
    hold: str
    after: tuple[str, ...]
    own: tuple[str, ...]
    """Of a superuser in the service's own database, after the cutover."""
    check: str
    refused: tuple[str, ...]
    """Patterns of lines with which the plan refuses it; a move follows where `remedy` says how."""
    remedy: tuple[str, ...]
    """Statements that the plan prints to the letter, and that help."""
    stopped: str
    """Pattern of what the cutover says when it stops for what happened meanwhile."""
    fix: tuple[str, ...]
    """What to do then: verbs, or SQL of a superuser in the shared database."""


def read_case(path: Path) -> Case:
    """The case in a file of one. Raises ValueError for a section that is not known."""
    (case,) = read_cases(path)
    return case


def read_cases(path: Path) -> list[Case]:
    """The cases in a file: one for each `@pair` of versions, else of `@source` and `@target`.

    Raises ValueError for a section that is not known.
    """
    text = path.read_text()
    found: dict[str, list[str]] = {}
    marks = list(_SECTION.finditer(text))
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        name = mark[1]
        if name not in _KNOWN:
            raise ValueError(f"{path.name} has a section @{name}, which is not known")
        body = text[mark.end() : after.start() if after else None].strip()
        found.setdefault(name, []).append("\n".join(part for part in (mark[2].strip(), body) if part))

    def one(name: str, otherwise: str = "") -> str:
        return "\n".join(found.get(name, [otherwise]))

    flow = one("flow", "online")
    if flow not in {"online", "offline", "plan"}:
        raise ValueError(f"{path.name}: @flow is online, offline or plan")
    case = Case(
        name=path.stem,
        source=int(one("source", "17")),
        target=int(one("target", "17")),
        flow=cast(Flow, flow),
        services=tuple(one("services", "user").replace(" ", "").split(",")),
        parameters=dict(_pair(text) for text in found.get("srcset", [])),
        setup=one("setup"),
        late=one("late"),
        dumped=tuple(found.get("dumped", [])),
        copied=tuple(found.get("copied", [])),
        during=tuple(found.get("during", [])),
        writer=one("writer").rstrip(";"),
        hold=one("hold"),
        after=tuple(found.get("after", [])),
        own=tuple(found.get("own", [])),
        check=one("check"),
        refused=tuple(found.get("refused", [])),
        remedy=tuple(found.get("remedy", [])),
        stopped=one("stopped"),
        fix=tuple(line for line in one("fix").splitlines() if line),
    )
    pairs = [tuple(map(int, pair.split())) for pair in found.get("pair", [])]
    return [
        replace(case, name=f"{path.stem}-{source}-{target}", source=source, target=target)
        for source, target in pairs
    ] or [case]


def every_case() -> list[Case]:
    """Of all files, in order."""
    return [case for path in sorted(FOLDER.glob("*.sql")) for case in read_cases(path)]


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip(), value.strip()
