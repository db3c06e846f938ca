"""Reads the table of contents of a pg_dump archive (custom format): every entry's DDL and dependencies.

`pg_restore -l` lists the entries but neither their DDL nor what depends on what, and its script does not
tell reliably where an entry ends. The layout is that of ReadHead and ReadToc in PostgreSQL's
src/bin/pg_dump/pg_backup_archiver.c; versions 1.14 (PostgreSQL 12 to 15), 1.15 (16) and 1.16 (17, 18).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.errors import ToolMissing
from migration.catalog.identity import ObjectId

Section = Literal["none", "pre-data", "data", "post-data"]

_SECTIONS: dict[int, Section] = {1: "none", 2: "pre-data", 3: "data", 4: "post-data"}
_CUSTOM = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the table of contents, in the order in which pg_restore would run them."""

    dump_id: int
    object_id: ObjectId
    """`(classid, objid)`; `(0, 0)` for comments, privileges, attachments: see `depends`."""
    description: str
    """pg_dump's name of the kind: `TABLE`, `FK CONSTRAINT`, `COMMENT`, ..."""
    schema: str | None
    tag: str
    """What pg_restore shows: the object's name, for a part `table part`."""
    section: Section
    statement: str
    """The DDL, one or several statements; may be empty."""
    owner: str
    depends: tuple[int, ...]
    """Dump identifiers that have to come before; some are of objects that were not dumped."""
    access_method: str | None
    """The table access method, set by `default_table_access_method` when it is restored."""


def read_archive(path: Path) -> tuple[Entry, ...]:
    """All entries of the archive at `path`. Raises ToolMissing for a layout that is not known."""
    return _Reader(path.read_bytes(), path).entries()


class _Reader:
    def __init__(self, data: bytes, path: Path) -> None:
        self.data = data
        self.path = path
        self.at = 0
        self.int_size = 4
        self.offset_size = 8

    def entries(self) -> tuple[Entry, ...]:
        if self.data[:5] != b"PGDMP":
            raise ToolMissing(f"{self.path} is not a pg_dump archive: it does not begin with PGDMP")
        self.at = 5
        version = (self._byte(), self._byte())
        self._byte()
        if version not in {(1, 14), (1, 15), (1, 16)}:
            raise ToolMissing(
                f"pg_dump wrote an archive of version {version[0]}.{version[1]}; 1.14 to 1.16 are known here:"
                " use the pg_dump of PostgreSQL 15 to 18"
            )
        self.int_size, self.offset_size, archive_format = self._byte(), self._byte(), self._byte()
        if archive_format != _CUSTOM:
            raise ToolMissing(f"{self.path} is not in pg_dump's custom format; make it with -Fc")
        if version >= (1, 15):
            self._byte()
        else:
            self._int()
        for _ in range(7):
            self._int()
        for _ in range(3):
            self._string()
        return tuple(self._entry(version) for _ in range(self._int()))

    def _entry(self, version: tuple[int, int]) -> Entry:
        dump_id = self._int()
        self._int()
        object_id = (int(self._string() or 0), int(self._string() or 0))
        tag = self._string() or ""
        description = self._string() or ""
        section = _SECTIONS.get(self._int(), "none")
        statement = self._string() or ""
        self._string()
        self._string()
        schema = self._string()
        self._string()
        access_method = self._string()
        if version >= (1, 16):
            self._int()
        owner = self._string() or ""
        self._string()
        depends = []
        while (text := self._string()) is not None:
            depends.append(int(text))
        self.at += 1 + self.offset_size
        return Entry(
            dump_id, object_id, description, schema or None, tag, section, statement, owner, tuple(depends),
            access_method or None,
        )  # fmt: skip

    def _byte(self) -> int:
        value = self.data[self.at]
        self.at += 1
        return value

    def _int(self) -> int:
        negative = self._byte() != 0
        value = int.from_bytes(self.data[self.at : self.at + self.int_size], "little")
        self.at += self.int_size
        return -value if negative else value

    def _string(self) -> str | None:
        length = self._int()
        if length < 0:
            return None
        text = self.data[self.at : self.at + length].decode()
        self.at += length
        return text
