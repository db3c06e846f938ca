"""What an instance's log says of statements: the plain one of a local instance, the JSON one of a container.

The plain one begins each line by the stack's `log_line_prefix` (`%m [%p] %q%u@%d %a %h `). A statement comes
from log_statement (`statement: ...`, `execute NAME: ...` with `Parameters` in DETAIL) or from pgaudit
(`AUDIT: SESSION,...`, https://github.com/pgaudit/pgaudit/blob/REL_17_STABLE/README.md#format).
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from core.errors import NotMeasured

_BEGINS = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) \w+ \[(?P<pid>\d+)\] "
    r"(?:(?P<who>\S*)@(?P<database>\S*) (?P<application>.*?) (?P<host>\S+) )?"
    r"(?P<severity>LOG|ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|DETAIL|HINT|CONTEXT|STATEMENT|QUERY):  ?"
    r"(?P<message>.*)"
)
_STATEMENT = re.compile(r"(?:duration: [\d.]+ ms  )?(?:statement|execute [^:]*): (.*)", re.DOTALL)
_AUDIT = "AUDIT: SESSION,"
_PARAMETERS = re.compile(r"[Pp]arameters: (.*)", re.DOTALL)
_CHANGES = re.compile(
    r"\s*(?:/\*.*?\*/\s*|--[^\n]*\n\s*)*(?:INSERT|UPDATE|DELETE|MERGE|TRUNCATE|CREATE|ALTER|DROP|GRANT|REVOKE|COMMENT"
    r"|REASSIGN|SECURITY|REFRESH|CALL|DO|IMPORT|LOCK|VACUUM|REINDEX|CLUSTER|COPY\b(?!.*\bTO\s+STD)|WITH\b.*\b"
    r"(?:INSERT|UPDATE|DELETE|MERGE)\b)\b",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class Entry:
    """One statement that a session sent."""

    at: datetime
    role: str
    application: str
    host: str
    """Its address; `[local]` for the socket. Through a gateway it is the gateway's."""
    process: int
    statement: str
    parameters: str = ""

    @property
    def changes(self) -> bool:
        """Whether it may have changed data, objects or rights, by its first word."""
        return _CHANGES.match(self.statement) is not None


def entries(folder: Path, since: datetime) -> Iterator[Entry]:
    """What was sent since, by file and in the order of each. Raises NotMeasured for what cannot be read."""
    files = sorted((*folder.glob("*.log"), *folder.glob("*.json")), key=lambda file: file.stat().st_mtime)
    recent = [file for file in files if file.stat().st_mtime >= since.timestamp()]
    for file in recent:
        yield from entries_of(file, since)


def entries_of(file: Path, since: datetime) -> Iterator[Entry]:
    """The same of one file: plain as the stack's servers write it, jsonlog (`.json`), csvlog (`.csv`).

    Raises NotMeasured for what cannot be read.
    """
    read = {".json": _json, ".csv": _csv}.get(file.suffix, _plain)
    try:
        with file.open(encoding="utf-8", errors="replace", newline="") as lines:
            yield from (entry for entry in read(lines) if entry.at >= since)
    except (OSError, csv.Error) as error:
        said = getattr(error, "strerror", None) or error
        raise NotMeasured(f"{file} cannot be read ({said}): a log is for who runs the server") from error


def _plain(lines: Iterable[str]) -> Iterator[Entry]:
    open_entry: Entry | None = None
    for line in _whole(lines):
        begins = _BEGINS.match(line)
        if begins is None:
            continue
        message = line[begins.start("message") :].rstrip("\n").replace("\n\t", "\n")
        if begins["severity"] == "DETAIL" and open_entry and open_entry.process == int(begins["pid"]):
            found = _PARAMETERS.match(message)
            open_entry = replace(open_entry, parameters=found[1]) if found else open_entry
            continue
        if open_entry is not None:
            yield open_entry
            open_entry = None
        if begins["severity"] == "LOG" and begins["who"] is not None:
            open_entry = _entry(
                _time(begins["time"]),
                (begins["who"], begins["application"], begins["host"], int(begins["pid"])),
                message,
                "",
            )
    if open_entry is not None:
        yield open_entry


def _whole(lines: Iterable[str]) -> Iterator[str]:
    """Lines put together with those that go on: a statement's next ones begin with a tab."""
    current = ""
    for line in lines:
        if line.startswith("\t"):
            current += line
            continue
        if current:
            yield current
        current = line
    if current:
        yield current


def _json(lines: Iterable[str]) -> Iterator[Entry]:
    for line in lines:
        try:
            said = json.loads(line)
        except ValueError:
            continue  # the last line of a log that is being written
        if said.get("error_severity") != "LOG" or "user" not in said:
            continue
        at = datetime.strptime(said["timestamp"].rpartition(" ")[0], "%Y-%m-%d %H:%M:%S.%f").replace(
            tzinfo=UTC
        )
        who = said["user"], said.get("application_name", ""), said.get("remote_host", ""), int(said["pid"])
        found = _entry(at, who, str(said.get("message", "")), str(said.get("detail", "")))
        if found is not None:
            yield found


_CSV_TIME, _CSV_USER, _CSV_PID, _CSV_HOST, _CSV_SEVERITY = 0, 1, 3, 4, 11
_CSV_MESSAGE, _CSV_DETAIL, _CSV_APPLICATION = 13, 14, 22
"""Columns of csvlog (PostgreSQL's documentation, "Using CSV-Format Log Output")."""


def _csv(lines: Iterable[str]) -> Iterator[Entry]:
    csv.field_size_limit(1 << 30)
    for row in csv.reader(lines):
        if len(row) <= _CSV_APPLICATION or row[_CSV_SEVERITY] != "LOG" or not row[_CSV_USER]:
            continue
        at = _time(row[_CSV_TIME].rpartition(" ")[0]).replace(tzinfo=UTC)
        who = row[_CSV_USER], row[_CSV_APPLICATION], row[_CSV_HOST].rpartition(":")[0], int(row[_CSV_PID])
        found = _entry(at, who, row[_CSV_MESSAGE], row[_CSV_DETAIL])
        if found is not None:
            yield found


def _time(text: str) -> datetime:
    """The stack's servers log in UTC."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)


def _entry(at: datetime, who: tuple[str, str, str, int], message: str, detail: str) -> Entry | None:
    if message.startswith(_AUDIT):
        fields = next(csv.reader([message.removeprefix("AUDIT: ")], strict=False), [])
        if len(fields) < 8:
            return None
        parameters = fields[8] if len(fields) > 8 and fields[8] not in ("<none>", "<not logged>") else ""
        return Entry(at, *who, fields[7], parameters)
    found = _STATEMENT.fullmatch(message)
    if found is None:
        return None
    parameters_ = _PARAMETERS.match(detail)
    return Entry(at, *who, found[1], parameters_[1] if parameters_ else "")
