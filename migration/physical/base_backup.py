"""A base backup of the shared server, out of which only what is needed reaches the disk.

The files of other databases, and of tables that are not the service's, are read off the stream and thrown
away. What recovery needs comes whole: the catalogues, the states of transactions, the WAL.
"""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from core.errors import DiskFull, FilesFailed, Interrupted
from core.sessions.connections import Database
from servers import osuser, paths

_TOP = frozenset({
    "PG_VERSION", "backup_label", "base", "global", "pg_commit_ts", "pg_dynshmem", "pg_logical",
    "pg_multixact", "pg_notify", "pg_replslot", "pg_serial", "pg_snapshots", "pg_stat", "pg_stat_tmp",
    "pg_subtrans", "pg_tblspc", "pg_twophase", "pg_wal", "pg_xact",
})  # fmt: skip
"""Of a data folder; what else lies there (configuration, logs) is nothing of ours."""
_BLOCK = 512
_PIECE = 1 << 20
_RELATION = re.compile(r"(base/\d+/\d+)(?:_\w+)?(?:\.\d+)?")


@dataclass(frozen=True)
class Wanted:
    """What of the stream is kept."""

    database: int
    """OID of the shared database."""
    without: frozenset[str]
    """Paths of relations whose files are not (`base/5/16384`)."""

    def keeps(self, path: str) -> bool:
        """Whether a file of the backup reaches the disk. What nobody knew when the list was made does."""
        parts = PurePosixPath(path).parts
        if not parts or parts[0] not in _TOP or ".." in parts:
            return False
        if parts[0] == "base" and len(parts) > 1 and parts[1] != str(self.database):
            return False
        found = _RELATION.fullmatch(path)
        return found is None or found[1] not in self.without


@dataclass(frozen=True)
class Taken:
    """Bytes that came over the connection, and those that were kept."""

    came: int
    kept: int


def take_base_backup(
    source: Database,
    program: Path,
    data: Path,
    wanted: Wanted,
    stop: threading.Event,
    *,
    bytes_per_second: float | None,
    tell: Callable[[int], None],
) -> Taken:
    """Write what is wanted into `data`, which is made. `tell` is given bytes as they come.

    Raises FilesFailed with pg_basebackup's word, DiskFull, Interrupted.
    """
    paths.make_private(data)
    argv = [str(program), "-D", "-", "-F", "tar", "-X", "fetch", "--checkpoint=fast", "--no-manifest", "-w"]
    if bytes_per_second is not None:
        argv.append(f"--max-rate={min(max(round(bytes_per_second / 1024), 32), 1 << 20)}k")
    with source.client_environment() as environment, _running(argv, environment) as process:
        assert process.stdout is not None  # noqa: S101 (a pipe)
        assert process.stderr is not None  # noqa: S101 (a pipe)
        try:
            taken = _unpack(_Stream(process.stdout.fileno(), stop), data, wanted, tell)
        except OSError as error:
            raise DiskFull(f"{data} could not be written: {error.strerror}; make room there") from None
        said = process.stderr.read().decode(errors="replace").strip().splitlines()
        if process.wait() != 0 or taken is None:
            raise FilesFailed(
                f"no base backup of {source.label} ({source.where}): {said[-1] if said else 'it broke off'}"
            )
    return taken


@contextmanager
def _running(argv: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        argv,
        env={**environment, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@dataclass
class _Stream:
    """What pg_basebackup writes."""

    pipe: int
    stop: threading.Event
    buffer: memoryview = field(default_factory=lambda: memoryview(bytearray(_PIECE)))

    def read(self, most: int) -> memoryview:
        """As much as there is; empty: it has ended. Raises Interrupted."""
        if self.stop.is_set():
            raise Interrupted("interrupted; what was begun is undone and nothing was switched")
        return self.buffer[: os.readv(self.pipe, [self.buffer[: min(most, _PIECE)]])]

    def header(self) -> bytes | None:
        """The next one; None: the stream broke off."""
        found = b""
        while len(found) < _BLOCK:
            more = self.read(_BLOCK - len(found))
            if not more:
                return None
            found += bytes(more)
        return found

    def move(self, padded: int, size: int, file: int | None) -> bool:
        """Take `padded` bytes off it, the first `size` of them into `file`; False: it broke off."""
        while padded:
            piece = self.read(padded)
            if not piece:
                return False
            padded -= len(piece)
            kept = piece[:size] if file is not None else piece[:0]
            size -= len(kept)
            while kept and file is not None:
                kept = kept[os.write(file, kept) :]
        return True


def _unpack(stream: _Stream, data: Path, wanted: Wanted, tell: Callable[[int], None]) -> Taken | None:
    """None: the stream broke off."""
    came = kept = 0
    while (header := stream.header()) is not None:
        if not any(header):
            while stream.read(_PIECE):
                pass
            return Taken(came, kept)
        member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        keeps = wanted.keeps(member.name.removeprefix("./").rstrip("/"))
        target = data / member.name
        padded = -(-member.size // _BLOCK) * _BLOCK
        if keeps and member.isdir():
            _make(data, target)
        if keeps and member.isreg():
            _make(data, target.parent)
            kept += member.size
            with _new(target) as file:
                whole = stream.move(padded, member.size, file)
        else:
            whole = stream.move(padded, 0, None)
        if not whole:
            return None
        came += padded
        tell(padded)
    return None


@contextmanager
def _new(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        osuser.hand_over(path)
        yield descriptor
    finally:
        os.close(descriptor)


def _make(data: Path, folder: Path) -> None:
    missing = [one for one in (folder, *folder.parents) if data in one.parents and not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=0o700)
        osuser.hand_over(one)


def without_neighbours(paths_of_all: Iterable[str | None], kept: Iterable[str]) -> frozenset[str]:
    """The relations whose files nobody wants."""
    return frozenset(path for path in paths_of_all if path) - frozenset(kept)
