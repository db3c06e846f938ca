"""Dumps the shared database's schema once, for all services that move to the same major version."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConnectionLost, CopyFailed, ToolMissing
from core.sessions.connections import Database
from core.sessions.liveness import client
from migration.schema.archive import Entry, read_archive
from servers.binaries import postgres_bin, supports_tls
from servers.errors import ServerError

_ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})
_TIMEOUT = 600
"""Seconds that pg_dump may take; 5,000 tables take about 10."""


@dataclass(frozen=True)
class SchemaDump:
    """The shared database's schema, as DDL."""

    path: Path
    version: int
    """Major version of the targets that it is for."""
    entries: tuple[Entry, ...]


def dump_schema(source: Database, directory: Path, version: int, snapshot: str | None = None) -> SchemaDump:
    """Dump the schema of the whole source database into `directory` with the pg_dump of `version`.

    `version` is the target's major version: its pg_dump writes what that server understands; an older one
    that is no older than the source does too. `snapshot` is an exported snapshot to look through; without it
    the dump sees what is committed when it starts.
    Raises ToolMissing when no such pg_dump is installed, CopyFailed when it refuses, ConnectionLost.
    """
    program = _program(source, version)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"schema-{version}.dump"
    command = [
        str(program), "--format=custom", "--schema-only", "--compress=0", "--no-password",
        "--lock-wait-timeout=30s", "--no-publications", "--no-subscriptions", f"--file={path}",
    ]  # fmt: skip
    if snapshot is not None:
        command.append(f"--snapshot={snapshot}")
    with source.client_environment() as environment:
        try:
            done = _run(source, command, environment)
        except FileNotFoundError as error:
            raise ToolMissing(f"pg_dump of PostgreSQL is not at {program}") from error
        except subprocess.TimeoutExpired as error:
            raise CopyFailed(
                f"pg_dump of {source.where} took longer than {_TIMEOUT} s; see what locks tables there"
            ) from error
    if done.returncode != 0 and source.is_silent:
        raise ConnectionLost(f"pg_dump got no answer of {source.where}; check it, then run it again")
    if done.returncode != 0:
        raise _failure(source, done.stderr)
    return SchemaDump(path, version, read_archive(path))


def _run(
    source: Database, command: list[str], environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            with client(*source.place, process.kill):
                out, err = process.communicate(timeout=_TIMEOUT)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _program(source: Database, newest: int) -> Path:
    """The pg_dump to use: of major version `newest`, else the next older that the source allows."""
    with source.connect() as connection:
        oldest = connection.info.server_version // 10_000
    encrypted = source.endpoint.sslmode in _ENCRYPTED
    why = f"the source runs PostgreSQL {oldest}"
    for version in range(newest, oldest - 1, -1):
        try:
            folder = postgres_bin(version)
            if encrypted and not supports_tls(folder):
                why = f"{folder} is built without TLS, which {source.where} asks for"
                continue
        except (ServerError, OSError) as error:
            why = str(error)
            continue
        return folder / "pg_dump"
    raise ToolMissing(f"no pg_dump of PostgreSQL {oldest} to {newest} that can be used: {why}; install one")


def _failure(source: Database, stderr: str) -> CopyFailed | ConnectionLost:
    lines = [line.removeprefix("pg_dump: ") for line in stderr.splitlines() if "error:" in line]
    said = lines[0].removeprefix("error: ") if lines else "it said nothing"
    if "server closed the connection" in stderr or "could not connect" in stderr:
        return ConnectionLost(f"pg_dump lost {source.where}: {said}; check that server, then run it again")
    return CopyFailed(f"pg_dump of {source.where} failed: {said}")
