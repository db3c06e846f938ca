"""Statements out of a server's log: plain (stderr), CSV or JSON.

The plain format is read by the server's own `log_line_prefix`; where that has no `%u`, the role is not known.
A log is read line by line: its size does not matter.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from core.errors import LogUnreadable
from migration.parsing.statements import normalized
from migration.traffic.queries import RanStatement

_MESSAGE = re.compile(
    r"\s*(?:duration: [\d.]+ ms\s+)?(?:statement|execute [^:\n]*|fastpath function call): (.*)", re.DOTALL
)
_SEVERITY = (
    r"(?:LOG|STATEMENT|ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|DETAIL|HINT|CONTEXT|QUERY|LOCATION|DEBUG\d?)"
)
_TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [A-Za-z0-9+-]+"
_ESCAPES = {"t": _TIME, "m": _TIME, "s": _TIME, "p": r"\d*", "r": r"\S*?", "h": r"\S*?"}
"""What some escapes of log_line_prefix print; the others print anything."""
_CSV_USER, _CSV_DATABASE, _CSV_SEVERITY, _CSV_MESSAGE = 1, 2, 11, 13
"""Columns of csvlog (PostgreSQL's documentation, "Using CSV-Format Log Output")."""

Line = tuple[str | None, str | None, str]
"""Role, database, message; None where the log does not say."""


def read_log(path: Path, database: str, prefix: str, left_out: frozenset[str]) -> list[RanStatement]:
    """The statements that ran in `database`, values blotted out, counted by text and role.

    `prefix` is the server's `log_line_prefix`; `left_out` are roles that do not count. Lines that do not say
    of which database they are count. Raises LogUnreadable.
    """
    counts: Counter[tuple[str, str | None]] = Counter()
    lines = 0
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            for role, where, message in _lines(file, prefix):
                lines += 1
                found = _MESSAGE.match(message)
                if found and where in {None, database} and role not in left_out:
                    counts[normalized(found[1]), role] += 1
    except (OSError, csv.Error) as error:
        raise LogUnreadable(f"{path}: {error}; give a log of the shared database's server") from error
    if not lines:
        raise LogUnreadable(
            f"{path} has no line that begins as the server's do (log_line_prefix = '{prefix}'), and is"
            " neither csvlog nor jsonlog; give a log of the shared database's server"
        )
    return [RanStatement(text, role, calls, source="log") for (text, role), calls in counts.items()]


def _lines(file: TextIO, prefix: str) -> Iterator[Line]:
    first = file.read(1)
    file.seek(0)
    if first == "{":
        return _json(file)
    name = str(getattr(file, "name", ""))
    return _csv(file) if name.endswith(".csv") else _plain(file, prefix)


def _json(file: Iterable[str]) -> Iterator[Line]:
    for line in file:
        try:
            record = json.loads(line)
        except ValueError:
            continue  # the last line of a log that is being written
        if isinstance(record, dict):
            yield record.get("user"), record.get("dbname"), str(record.get("message", ""))


def _csv(file: Iterable[str]) -> Iterator[Line]:
    csv.field_size_limit(1 << 30)
    for row in csv.reader(file):
        if len(row) > _CSV_MESSAGE:
            yield row[_CSV_USER] or None, row[_CSV_DATABASE] or None, row[_CSV_MESSAGE]


def _plain(file: Iterable[str], prefix: str) -> Iterator[Line]:
    begins = line_pattern(prefix)
    current: Line | None = None
    for line in file:
        found = begins.match(line)
        if found is not None:
            if current is not None:
                yield current
            groups = found.groupdict()
            user, where = (groups.get("user") or "").strip(), (groups.get("database") or "").strip()
            current = user or None, where or None, found["message"]
        elif current is not None:
            current = (current[0], current[1], current[2] + line)
    if current is not None:
        yield current


def line_pattern(prefix: str) -> re.Pattern[str]:
    """What a line begins with, for a `log_line_prefix`: groups `user`, `database`, `message`."""
    parts, optional, seen = [], False, set()
    for text, escape in re.findall(r"([^%]+)|%-?\d*(.)", prefix):
        if text:
            parts.append(re.escape(text))
        elif escape == "q":
            # What follows is left out by processes without a session.
            parts.append("(?:")
            optional = True
        elif escape == "%":
            parts.append("%")
        elif escape in "ud" and escape not in seen:
            seen.add(escape)
            parts.append(f"(?P<{'user' if escape == 'u' else 'database'}>.*?)")
        else:
            parts.append(_ESCAPES.get(escape, ".*?"))
    ending = ")?" if optional else ""
    return re.compile(f"{''.join(parts)}{ending}{_SEVERITY}:  (?P<message>.*)", re.DOTALL)
