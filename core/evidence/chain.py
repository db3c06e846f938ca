"""The chain: entries that are only ever added, each sealed with the digest of all before it.

A line is JSON whose last member is `digest`: SHA-256 of the line's bytes as they would be without it. So each
byte is sealed, and a shell can check it (docs/evidence.md).
"""

from __future__ import annotations

import fcntl
import getpass
import hashlib
import json
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.contract import Contract
from core.errors import EvidenceBroken
from servers.errors import ServerError
from servers.paths import make_passable, state_dir

BEGINNING = "0" * 64
"""What the first entry says of the one before it."""

_LINE = re.compile(r'(\{.*),"digest":"([0-9a-f]{64})"\}')


class Kind(StrEnum):
    """What an entry is about; the file has the word itself."""

    DEPLOYED = "deployed"
    """Another commit or catalogue is deployed than before."""
    MOVE = "move"
    """The state of a service's move is another one."""
    DECIDED = "decided"
    """What is done about each thing that crosses from a service to another one, at its start."""
    GATES = "gates"
    """Gates of a stage were asked, and said this."""
    VERIFIED = "verified"
    ARCHIVED = "archived"
    """A service is finished, and its old copy, which nobody writes to any more, has these digests."""
    ALARMS = "alarms"
    """What fired since when, by who watches, and whether all rules were evaluated."""
    RESTORED = "restored"
    """A backup was restored and looked at, and was sound or not."""
    ISOLATION = "isolation"
    ROTATED = "rotated"
    SIGNED = "signed"
    PROMOTED = "promoted"


class Entry(BaseModel):
    """One line. `facts` are JSON values without a secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    at: datetime
    kind: Kind
    service: str | None = None
    """None: the whole stack."""
    who: str
    commit: str | None = None
    """Of the program that was deployed then."""
    catalogue: str
    """Digest of the catalogue that was deployed then."""
    facts: dict[str, Any] = Field(default_factory=dict)
    before: str
    """The digest of the entry before."""
    digest: str = ""
    """SHA-256 of the line without it."""

    def sealed(self) -> Entry:
        """The same with its digest."""
        return self.model_copy(update={"digest": _digest(self.model_dump_json(exclude={"digest"}))})


def operator() -> str:
    """Who works here: `name@host`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def evidence_file(project: str, stack: str, state: Path | None = None) -> Path:
    """A stack's file; `state` is the state folder, default: this machine's."""
    return (state or state_dir()) / "evidence" / f"{project}-{stack.replace('/', '-')}.jsonl"


class Evidence:
    """The evidence of one stack."""

    def __init__(self, contract: Contract, file: Path | None = None) -> None:
        """`file` instead of the stack's own."""
        self._contract = contract
        self.file = file or evidence_file(contract.project, contract.stack)

    def add(
        self, kind: Kind, facts: Mapping[str, Any], *, service: str | None = None, who: str | None = None
    ) -> Entry:
        """Add an entry, durably; ahead of it one of what is deployed, where that is another than before.

        Raises EvidenceBroken where the file cannot be written to, or is no chain.
        """
        with self._locked() as descriptor:
            entries = self._with_deployed(descriptor)
            entry = self._entry(entries, kind, facts, service, who)
            _append(descriptor, entry, self.file)
        return entry

    def note_deployed(self) -> list[Entry]:
        """All entries, the last of which about what is deployed is true now. Raises EvidenceBroken."""
        with self._locked() as descriptor:
            return self._with_deployed(descriptor)

    def _with_deployed(self, descriptor: int) -> list[Entry]:
        entries = read_chain(self.file)
        deployed = [one for one in entries if one.kind == Kind.DEPLOYED]
        now = (self._contract.commit, self._contract.catalogue_digest)
        if not deployed or (deployed[-1].commit, deployed[-1].catalogue) != now:
            program = {"program": self._contract.program, "services": sorted(self._contract.services)}
            entries.append(self._entry(entries, Kind.DEPLOYED, program, None, None))
            _append(descriptor, entries[-1], self.file)
        return entries

    def read(self) -> list[Entry]:
        """All entries, the oldest first. Raises EvidenceBroken for a file that is no chain."""
        return read_chain(self.file)

    def _entry(
        self, entries: list[Entry], kind: Kind, facts: Mapping[str, Any], service: str | None, who: str | None
    ) -> Entry:
        return Entry(
            number=len(entries) + 1,
            at=datetime.now(UTC),
            kind=kind,
            service=service,
            who=who or operator(),
            commit=self._contract.commit,
            catalogue=self._contract.catalogue_digest,
            facts=json.loads(json.dumps(dict(facts), default=str)),
            before=entries[-1].digest if entries else BEGINNING,
        ).sealed()

    @contextmanager
    def _locked(self) -> Iterator[int]:
        try:
            make_passable(self.file.parent)
            descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except (OSError, ServerError) as error:
            raise EvidenceBroken(f"{self.file} cannot be written to: {error}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)


def read_chain(file: Path) -> list[Entry]:
    """The entries of a file; none where there is no file.

    Raises EvidenceBroken, which names the first line that was altered, or follows one that is missing.
    """
    try:
        # No line ending may be translated: each byte counts.
        lines = file.read_bytes().decode().split("\n")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise EvidenceBroken(f"{file} cannot be read: {error}") from None
    if lines.pop():
        raise EvidenceBroken(f"{file}: its last line is cut off; nothing was taken from it")
    found: list[Entry] = []
    for number, line in enumerate(lines, start=1):
        before = found[-1].digest if found else BEGINNING
        parts = _LINE.fullmatch(line)
        try:
            entry = Entry.model_validate_json(line)
        except ValidationError:
            parts = None
        if parts is None:
            raise EvidenceBroken(f"{file}: line {number} is no entry of a certificate")
        if parts[2] != _digest(parts[1] + "}") or entry.number != number:
            raise EvidenceBroken(f"{file}: line {number} was altered: its digest is not that of what it says")
        if entry.before != before:
            raise EvidenceBroken(f"{file}: line {number} does not follow the line before it: one is missing")
        found.append(entry)
    return found


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def _append(descriptor: int, entry: Entry, file: Path) -> None:
    try:
        os.write(descriptor, (entry.model_dump_json() + "\n").encode())
        os.fsync(descriptor)
    except OSError as error:
        raise EvidenceBroken(f"{file} cannot be written to: {error.strerror}") from None
