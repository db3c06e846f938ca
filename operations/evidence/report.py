"""What a stack's evidence comes to: first the answer, then each service, then every entry. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.evidence.chain import Entry, Kind
from core.evidence.lookup import newest, states, went_back_and_forth

_HOME = frozenset({"moved", "finished"})


@dataclass(frozen=True)
class ServiceLine:
    """One service."""

    name: str
    state: str
    """Empty: not begun."""
    equal: bool | None
    """None: not compared."""
    rows: int
    digest: str
    pause_ms: float | None
    restored: str
    """When a backup of it was restored and found sound; empty: never."""
    there_and_back: bool

    @property
    def done(self) -> bool:
        return self.state in _HOME and bool(self.equal)


@dataclass(frozen=True)
class Summary:
    """A stack's evidence."""

    project: str
    stack: str
    commit: str | None
    catalogue: str
    services: tuple[ServiceLine, ...]
    isolated: bool | None
    entries: tuple[Entry, ...]

    @property
    def head(self) -> str:
        """The digest of the last entry, which seals all before it."""
        return self.entries[-1].digest if self.entries else ""

    @property
    def answer(self) -> str:
        """In one line."""
        home = [one for one in self.services if one.done]
        if len(home) == len(self.services):
            rows = sum(one.rows for one in home)
            return f"all {len(home)} services have moved, {rows:,} rows compared, none lost"
        left = ", ".join(one.name for one in self.services if not one.done)
        return f"{len(home)} of {len(self.services)} services have moved and were found equal; left: {left}"

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "project": self.project,
            "stack": self.stack,
            "commit": self.commit,
            "catalogue": self.catalogue,
            "answer": self.answer,
            "isolated": self.isolated,
            "head": self.head,
            "services": [vars(one) for one in self.services],
            "entries": [one.model_dump(mode="json") for one in self.entries],
        }


def summary(
    entries: Sequence[Entry],
    *,
    project: str,
    stack: str,
    commit: str | None,
    catalogue: str,
    services: Sequence[str],
) -> Summary:
    """What `entries` say of `services`."""
    tried = newest(entries, Kind.ISOLATION)
    return Summary(
        project,
        stack,
        commit,
        catalogue,
        tuple(_service(entries, name) for name in services),
        None if tried is None else not tried.facts.get("breaches"),
        tuple(entries),
    )


def _service(entries: Sequence[Entry], name: str) -> ServiceLine:
    went, move = states(entries, name), newest(entries, Kind.MOVE, name)
    verified, proof = newest(entries, Kind.VERIFIED, name), newest(entries, Kind.RESTORED, name)
    facts = verified.facts if verified else {}
    return ServiceLine(
        name=name,
        state=went[-1] if went else "",
        equal=facts.get("equal"),
        rows=int(facts.get("rows") or 0),
        digest=str(facts.get("digest") or ""),
        pause_ms=move.facts.get("pause_ms") if move else None,
        restored=f"{proof.at:%Y-%m-%d %H:%M}" if proof and proof.facts.get("sound") else "",
        there_and_back=went_back_and_forth(went),
    )


def markdown(found: Summary) -> str:
    """The page, ending with a newline."""
    lines = [
        f"# {found.project}, stack {found.stack}",
        "",
        f"**{found.answer}.**",
        "",
        f"Deployed: commit {found.commit or 'not known'}, catalogue {found.catalogue[:12]}."
        f" Isolation: {_closed(found.isolated)}.",
        "",
        "| service | state | rows compared | equal | digest | clients waited | restored | there and back |",
        "|---|---|---|---|---|---|---|---|",
        *(_row(one) for one in found.services),
        "",
        "## Who signed",
        "",
        *(_signed(found.entries) or ["Nobody yet."]),
        "",
        "## What was done",
        "",
        "| no. | at (UTC) | what | service | who | figures | digest |",
        "|---|---|---|---|---|---|---|",
        *(_entry(one) for one in found.entries),
        "",
        f"Each entry seals those before it; the last digest is `{found.head}`.",
    ]
    return "\n".join(lines) + "\n"


def _row(one: ServiceLine) -> str:
    equal = {None: "not compared", True: "yes", False: "NO"}[one.equal]
    waited = "" if one.pause_ms is None else f"{one.pause_ms:.0f} ms"
    back = "yes" if one.there_and_back else "no"
    return (
        f"| {one.name} | {one.state or 'not begun'} | {one.rows:,} | {equal} | `{one.digest[:16]}` |"
        f" {waited} | {one.restored or 'never'} | {back} |"
    )


def _signed(entries: Sequence[Entry]) -> list[str]:
    return [
        f"- {one.facts['by']}: {one.facts['stage']}{f' of {one.service}' if one.service else ''},"
        f" {one.at:%Y-%m-%d %H:%M} UTC, by the hand of {one.who}:"
        f" {_cell(str(one.facts.get('note') or 'no note'))}"
        for one in entries
        if one.kind == Kind.SIGNED
    ]


def _entry(one: Entry) -> str:
    shown = {key: _value(value) for key, value in one.facts.items()}
    shown = {key: value for key, value in shown.items() if value}
    figures = _cell(", ".join(f"{key} {value}" for key, value in shown.items()))
    return (
        f"| {one.number} | {one.at:%Y-%m-%d %H:%M:%S} | {one.kind} | {one.service or ''} | {_cell(one.who)} |"
        f" {figures} | `{one.digest[:12]}` |"
    )


def _value(value: object) -> str:
    """Plain values and lists of them; the rest is for the JSON."""
    if isinstance(value, list):
        return "; ".join(value) if all(isinstance(one, str) for one in value) else ""
    return str(value) if isinstance(value, (str, int, float)) else ""


def _closed(isolated: bool | None) -> str:
    return {None: "not tried", True: "closed", False: "OPEN"}[isolated]


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
