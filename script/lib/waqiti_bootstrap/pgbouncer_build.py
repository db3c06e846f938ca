"""PgBouncer built from the next Debian's source, where this system's own is too old: about a minute.

Prepared statements in transaction pooling, which most drivers use by default, need 1.21. The next Debian's
binary needs a newer C library than this one's, its source does not. Debian's patches, its security fixes
among them, are applied. What it is linked with comes from this system's archive; libevent and c-ares are
linked in, OpenSSL is the machine's, so that its updates count.
"""

import hashlib
import os
import shutil
import tarfile
from pathlib import Path

from . import commands, files
from .apt import own_apt
from .console import Console
from .errors import BootstrapError
from .places import Places

SUITE = "trixie"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SOURCES = """\
deb-src [signed-by={keyring}] http://deb.debian.org/debian {suite} main
deb-src [signed-by={keyring}] http://deb.debian.org/debian-security {suite}-security main
"""
TOOLS = ("cc", "make", "patch")
MARK = "patches"
"""A file beside bin/: digests of the patches in toolchain/pgbouncer that it was built with."""
HEADERS = ("libevent-dev", "libc-ares-dev", "libssl-dev")


def what_is_missing() -> str:
    """Why it cannot be built here, as the end of a sentence; nothing when it can."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"{', '.join(missing)} would have to be installed (Debian: apt-get install gcc make patch)"
    if not (shutil.which("apt-get") and KEYRING.exists()):
        return "its source comes from Debian's archive, which this system does not use"
    if _openssl() is None:
        return "OpenSSL 3 would have to be installed (Debian: apt-get install libssl3)"
    return ""


def is_patched(places: Places) -> bool:
    """Whether the one in the cache was built here, with today's patches of ours."""
    try:
        return (places.pgbouncer / MARK).read_text() == _patches(places)
    except OSError:
        return False


def build(places: Places, console: Console) -> None:
    """Make <cache>/pgbouncer. Raises BootstrapError."""
    log = places.cache / "logs" / "pgbouncer-build.log"
    with files.building(places.pgbouncer) as folder:
        work = folder / "build"
        work.mkdir()
        source = _source(work, log, console)
        for patch in _own(places):
            commands.run(["patch", "-p1", "-i", patch], f"applying {patch.name}", log, cwd=source)
        headers = _headers(work / "headers", log)
        include, library = headers / "usr/include", _library(headers)
        machine = library.name
        environment = {
            **os.environ,
            "CPPFLAGS": f"-I{include} -I{include / machine}",
            "LDFLAGS": f"-L{library}",
            "LIBEVENT_CFLAGS": f"-I{include}",
            "LIBEVENT_LIBS": f"{library / 'libevent.a'} -lpthread",
            "CARES_CFLAGS": f"-I{include}",
            "CARES_LIBS": f"{library / 'libcares.a'} -lpthread",
        }
        configure = ["./configure", "--with-cares", "--without-systemd", "--without-pam"]
        commands.run(configure, "configuring PgBouncer", log, env=environment, cwd=source)
        console.progress("compiling PgBouncer")
        jobs = str(os.cpu_count() or 1)
        commands.run(
            ["make", "-j", jobs, "pgbouncer"], "compiling PgBouncer", log, env=environment, cwd=source
        )
        files.install(source / "pgbouncer", folder / "bin")
        (folder / MARK).write_text(_patches(places))
        files.remove(work)


def _own(places: Places) -> list[Path]:
    return sorted((places.toolchain / "pgbouncer").glob("*.patch"))


def _patches(places: Places) -> str:
    return "".join(
        f"{hashlib.sha256(patch.read_bytes()).hexdigest()}  {patch.name}\n" for patch in _own(places)
    )


def _source(work: Path, log: Path, console: Console) -> Path:
    """Its source with Debian's patches."""
    (work / "sources.list").write_text(SOURCES.format(keyring=KEYRING, suite=SUITE))
    apt = [
        *own_apt(work / "apt"),
        *("-o", f"Dir::Etc::sourcelist={work}/sources.list"),
        *("-o", "Dir::Etc::sourceparts=/dev/null"),
    ]
    advice = "Is Debian's package archive reachable?"
    what = f"reading the lists of Debian {SUITE}"
    commands.run(["apt-get", *apt, "-q", "update"], what, log, each_line=console.progress, advice=advice)
    fetch = ["apt-get", *apt, "-q", "source", "--download-only", "pgbouncer"]
    commands.run(fetch, "fetching PgBouncer's source", log, cwd=work, advice=advice)
    for archive in sorted(work.glob("pgbouncer_*.tar.*")):
        into = work / "debian" if ".debian.tar." in archive.name else work / "source"
        with tarfile.open(archive) as packed:
            packed.extractall(into, filter="data")
    found = list((work / "source").glob("pgbouncer-*"))
    if len(found) != 1:
        raise BootstrapError(f"PgBouncer's source is not as expected in {work}; see {log}")
    patches = work / "debian/debian/patches"
    for line in (patches / "series").read_text().splitlines():
        name = line.partition("#")[0].strip()
        if name:
            commands.run(["patch", "-p1", "-i", patches / name], f"applying {name}", log, cwd=found[0])
    return found[0]


def _headers(folder: Path, log: Path) -> Path:
    folder.mkdir()
    apt = own_apt(folder / "apt")
    commands.run(["apt-get", *apt, "-q", "update"], "reading the package archive's lists", log)
    commands.run(["apt-get", *apt, "-q", "download", *HEADERS], "fetching headers", log, cwd=folder)
    root = folder / "root"
    for package in sorted(folder.glob("*.deb")):
        commands.run(["dpkg-deb", "-x", package, root], f"unpacking {package.name}", log)
    for name in ("libssl.so", "libcrypto.so"):
        own = _openssl()
        if own is None:
            raise BootstrapError("OpenSSL 3 is gone; install libssl3")
        link = _library(root) / name
        link.unlink(missing_ok=True)
        link.symlink_to(own.with_name(f"{name}.3"))
    return root


def _library(root: Path) -> Path:
    return next((root / "usr/lib").glob("*/libevent.a")).parent


def _openssl() -> Path | None:
    found = [*Path("/usr/lib").glob("*/libssl.so.3"), *Path("/lib").glob("*/libssl.so.3")]
    return found[0] if found else None
