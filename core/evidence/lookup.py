"""What of the evidence counts now. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.evidence.chain import Entry, Kind
from core.names import TableName, display_name


def newest(entries: Iterable[Entry], kind: Kind, service: str | None = None) -> Entry | None:
    """The last entry of a kind about a service (None: about the whole stack)."""
    found = [one for one in entries if one.kind == kind and one.service == service]
    return found[-1] if found else None


def states(entries: Iterable[Entry], service: str) -> list[str]:
    """The states that a service's move went through, the oldest first."""
    return [str(one.facts["state"]) for one in entries if one.kind == Kind.MOVE and one.service == service]


def went_back_and_forth(states: Sequence[str]) -> bool:
    """Whether a service was moved, led back, and moved again."""
    moved = [n for n, state in enumerate(states) if state == "moved"]
    back = [n for n, state in enumerate(states) if state == "following" and any(m < n for m in moved)]
    return any(n < m for n in back for m in moved)


def signatures(
    entries: Iterable[Entry], stage: str, service: str | None, catalogue: str, commit: str | None = None
) -> list[Entry]:
    """Who signed a stage, of a service or (None) of the whole stack, for what is deployed now.

    A signature on another catalogue, or where `commit` is given on another commit, is none.
    """
    return [
        one
        for one in entries
        if one.kind == Kind.SIGNED
        and one.facts.get("stage") == stage
        and one.service == service
        and one.catalogue == catalogue
        and (commit is None or one.commit == commit)
    ]


def digest_of_tables(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """One digest of all tables' rows: SHA-256 of a line `table rows digest` each, sorted by their bytes.

    Of each table: `rows`, `digest`. A schema's name is left out of the tables' names: it changes.
    """
    lines = (
        f"{display_name(TableName.parse(name).name)} {one['rows']} {one['digest']}\n"
        for name, one in tables.items()
    )
    return hashlib.sha256("".join(sorted(lines, key=str.encode)).encode()).hexdigest()
