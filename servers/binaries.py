"""Where PostgreSQL's and PgBouncer's programs are on this machine."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

from servers import osuser
from servers.errors import ServerError
from servers.paths import cache_dir
from servers.pgbouncer_versions import Version, parse

PREFERRED = (17, 18, 16, 15)
"""Which major version to take when any will do: 17 first, whose wheel has TLS on every platform."""

SYSTEM_FOLDERS = (
    "/usr/lib/postgresql/{version}/bin",  # Debian, Ubuntu
    "/usr/pgsql-{version}/bin",  # Red Hat
    "/opt/homebrew/opt/postgresql@{version}/bin",  # macOS arm64
    "/usr/local/opt/postgresql@{version}/bin",  # macOS x86-64
)


def postgres_bin(version: int | None = None) -> Path:
    """The folder with `postgres`, `initdb`, `pg_dump`, `psql` of major `version` (None: the preferred one).

    In this order: `$WAQITI_POSTGRES_BIN_<version>`, the cache, the system's packages. Raises ServerError.
    """
    for wanted in PREFERRED if version is None else (version,):
        given = os.environ.get(f"WAQITI_POSTGRES_BIN_{wanted}")
        candidates = [Path(given)] if given else [cache_dir() / f"postgresql-{wanted}" / "bin"]
        candidates += [Path(folder.format(version=wanted)) for folder in SYSTEM_FOLDERS]
        for folder in candidates:
            if (folder / "postgres").exists():
                return folder
    raise ServerError(
        f"PostgreSQL {version or ' or '.join(map(str, PREFERRED))} is not installed",
        where=str(cache_dir() / f"postgresql-{version or PREFERRED[0]}"),
        to_do="run script/bootstrap, or install it with the system's package manager",
    )


@functools.cache
def postgres_version(folder: Path) -> int:
    """Major version of the programs in `folder`, as `postgres --version` says. Raises ServerError."""
    program = folder / "postgres"
    if not program.exists():
        raise ServerError("does not exist", where=str(program), to_do="run script/bootstrap")
    try:
        said = osuser.run([program, "--version"], timeout=30).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise ServerError(
            "cannot be run by the servers' user",
            where=str(program),
            to_do="let every user read the folder, or set WAQITI_OS_USER",
        ) from error
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    if found is None:
        raise ServerError("is no PostgreSQL", where=str(program), to_do="run script/bootstrap")
    return int(found[1])


@functools.cache
def supports_tls(folder: Path) -> bool:
    """Whether the server in `folder` was built with OpenSSL (the PyPI wheel of 18 was not)."""
    options = osuser.run([folder / "pg_config", "--configure"], timeout=30).stdout
    return "--with-openssl" in options or "--with-ssl=openssl" in options


def extensions(folder: Path) -> frozenset[str]:
    """The extensions whose files the server in `folder` has. Raises ServerError."""
    try:
        share = osuser.run([folder / "pg_config", "--sharedir"], timeout=30).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise ServerError(
            "has no pg_config", where=str(folder), to_do="install the whole of PostgreSQL"
        ) from error
    return frozenset(file.stem for file in (Path(share) / "extension").glob("*.control"))


def pgbouncer() -> Path:
    """The PgBouncer program: `$WAQITI_PGBOUNCER`, the cache, PATH, `/usr/sbin`. Raises ServerError."""
    given = os.environ.get("WAQITI_PGBOUNCER")
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    for candidate in (given, cache_dir() / "pgbouncer/bin/pgbouncer", found):
        if candidate and Path(candidate).exists():
            return Path(candidate)
    raise ServerError(
        "PgBouncer is not installed",
        where=str(cache_dir() / "pgbouncer"),
        to_do="run script/bootstrap, or install it with the system's package manager",
    )


def monitor(name: str) -> Path:
    """`postgres_exporter`, `prometheus` or `promtool`: `$WAQITI_<NAME>`, cache, PATH. Raises ServerError."""
    given = os.environ.get(f"WAQITI_{name.upper()}")
    for candidate in (given, cache_dir() / "monitoring" / name, shutil.which(name)):
        if candidate and Path(candidate).exists():
            return Path(candidate)
    raise ServerError(
        f"{name} is not installed",
        where=str(cache_dir() / "monitoring"),
        to_do="run script/bootstrap --monitoring",
    )


@functools.cache
def pgbouncer_version(program: Path) -> Version:
    """The version of a PgBouncer. Raises ServerError."""
    try:
        said = osuser.run([program, "--version"], timeout=30).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise ServerError(
            "cannot be run by the servers' user",
            where=str(program),
            to_do="let every user read the folder, or set WAQITI_OS_USER",
        ) from error
    found = parse(said)
    if found is None:
        raise ServerError("is no PgBouncer", where=str(program), to_do="run script/bootstrap")
    return found
