"""A target that loads faster because it does not have to survive a crash yet, for as long as it loads.

Without the WAL of what is loaded into tables emptied in the same transaction, without fsync, full pages and
autovacuum, a long load takes about a tenth less time; two restarts and a sync eat that up on a short one
(bench/README.md). The price: if the machine crashes
meanwhile, the instance is worth nothing. (A crash of the server's processes alone does no harm:
https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-FSYNC .) So it is off unless asked
for, a file in the data folder says that it is on, and no run goes on with an instance that was loading
when the machine went down.

The parameters are options of the server's start, not of a file: whoever starts it otherwise gets the
real ones. A backup chain (WAL archive) ends where this begins; take a base backup afterwards.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.contract import LocalInstanceControl
from migration.errors import DiskFull, TargetNotEmpty, WrongState
from servers import osuser, postmaster

PARAMETERS = {
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "archive_mode": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}
"""https://www.postgresql.org/docs/current/populate.html . Commits stay synchronous: what was committed is in
the kernel, and so outlives a crash of the server's processes."""

MARKER = "waqiti-bulk-load"
"""File in the data folder; holds the identity of the machine's boot in which the load began."""

_START_SECONDS = 120
_STOP_SECONDS = 600
"""The shutdown checkpoint writes all that was loaded."""


@contextmanager
def bulk_profile(control: LocalInstanceControl) -> Iterator[None]:
    """Load into an instance of this machine with the bulk profile; sessions must be opened inside.

    The server is restarted twice. When the context ends, for whatever reason, all is on disk and the
    real settings are back in force. Raises what `require_trustworthy` does; WrongState when the server
    does not start like that (replication slots are in the way, say): it runs with its real settings then.
    """
    require_trustworthy(control)
    data = Path(control.data)
    osuser.write_private(data / MARKER, _boot_identity() + "\n")
    _fsync_folder(data)
    options = " ".join(f"-c {name}={value}" for name, value in PARAMETERS.items())
    _stop(control)
    refused = _start(control, options)
    if refused is not None:
        end_bulk_profile(control)
        raise WrongState(
            f"the server in {data} does not start with the bulk profile: {refused}; it has its real settings"
            " back: run it again without the bulk profile"
        )
    try:
        yield
    finally:
        end_bulk_profile(control)


def is_loading(control: LocalInstanceControl) -> bool:
    """Whether a bulk load began and has not been ended."""
    return (Path(control.data) / MARKER).exists()


def require_trustworthy(control: LocalInstanceControl) -> None:
    """Make sure that the instance holds what it was told to; ends a load that a killed run left behind.

    Raises TargetNotEmpty when the machine went down during a bulk load: the data may be damaged in ways
    that nothing would notice, so the instance has to be made anew.
    """
    data = Path(control.data)
    try:
        began = (data / MARKER).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return
    if began != _boot_identity():
        raise TargetNotEmpty(
            f"the machine went down while the instance in {data} was loading without fsync: nothing in it can"
            " be trusted; have the stack make it anew (destroy this instance without keeping its data, then"
            " bring the stack up), and run the migration again"
        )
    end_bulk_profile(control)


def end_bulk_profile(control: LocalInstanceControl) -> None:
    """Bring all that was loaded to the disk, and the real settings into force. Can be run twice."""
    data = Path(control.data)
    if not (data / MARKER).exists():
        return
    if postmaster.postmaster_pid(data) is None and not _is_clean(control):
        # Its processes crashed: let them recover before the clean stop.
        _require_start(control)
    _stop(control)
    _run(control, "initdb", "--sync-only", "-D", control.data)
    _require_start(control)
    (data / MARKER).unlink()
    _fsync_folder(data)


def _is_clean(control: LocalInstanceControl) -> bool:
    said = _run(control, "pg_controldata", "-D", control.data).stdout
    return any(
        line.startswith("Database cluster state:") and line.endswith("shut down")
        for line in said.splitlines()
    )


def _stop(control: LocalInstanceControl) -> None:
    if postmaster.postmaster_pid(Path(control.data)) is not None:
        _run(
            control, "pg_ctl", "stop", "-D", control.data, "-m", "fast", "-w", "-s", "-t", str(_STOP_SECONDS)
        )


def _require_start(control: LocalInstanceControl) -> None:
    refused = _start(control, "")
    if refused is not None:
        raise WrongState(
            f"the server in {control.data} does not start: {refused}; see its log, then run it again"
        )


def _start(control: LocalInstanceControl, options: str) -> str | None:
    """Start with extra options; None when it runs, else the line that says why not."""
    if postmaster.postmaster_pid(Path(control.data)) is not None:
        return None
    postmaster.remove_stale_pid_file(Path(control.data))
    for lock in Path(control.sockets).glob(".s.PGSQL.*.lock"):
        postmaster.remove_stale_socket_lock(Path(control.sockets), int(lock.name.split(".")[3]))
    deadline = time.monotonic() + _START_SECONDS
    while True:
        refused = _try_to_start(control, options)
        # After a kill -9, the last backends need a moment to notice that their postmaster is gone.
        if refused is None or "shared memory block" not in refused or time.monotonic() > deadline:
            return refused
        time.sleep(0.2)


def _try_to_start(control: LocalInstanceControl, options: str) -> str | None:
    log = Path(control.data).parent / "log" / "start.log"
    before = log.stat().st_size if log.exists() else 0
    command: list[str | Path] = [
        Path(control.binaries) / "pg_ctl", "start", "-D", control.data, "-l", log, "-w", "-s",
        "-t", str(_START_SECONDS), *(["-o", options] if options else []),
    ]  # fmt: skip
    if osuser.run(command, check=False, timeout=_START_SECONDS + 10).returncode == 0:
        return None
    said = log.read_bytes()[before:].decode(errors="replace").splitlines() if log.exists() else []
    fatal = [line.split(": ", 1)[-1].strip() for line in said if "FATAL" in line or "PANIC" in line]
    return fatal[0] if fatal else "it said nothing"


def _run(control: LocalInstanceControl, program: str, *options: str) -> subprocess.CompletedProcess[str]:
    try:
        return osuser.run([Path(control.binaries) / program, *options], timeout=_STOP_SECONDS + 10)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or "").strip().splitlines()
        line = said[-1] if said else f"exit code {error.returncode}"
        kind = DiskFull if "No space left" in line else WrongState
        raise kind(
            f"{program} for the instance in {control.data} failed: {line}; see to it, run it again"
        ) from error


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _boot_identity() -> str:
    """What is different after the machine was started again."""
    linux = Path("/proc/sys/kernel/random/boot_id")
    if linux.exists():
        return linux.read_text(encoding="ascii").strip()
    if sys.platform == "darwin":
        return subprocess.run(
            ["sysctl", "-n", "kern.bootsessionuuid"], capture_output=True, text=True, check=True
        ).stdout.strip()
    raise WrongState("this system does not tell when it was started; run it without the bulk profile")
