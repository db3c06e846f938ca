"""What the measurements share: servers of their own, medians, and what machine it was."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from pydantic import SecretStr

from components.contract import Endpoint, Login
from core.sessions.connections import Database, Side
from servers import binaries, paths, ports
from servers.postgres import PostgresServer

ADMINISTRATOR = Login(name="bench", password=SecretStr("bench-password"))

PARAMETERS = {
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "wal_level": "logical",
    "maintenance_work_mem": "256MB",
    "checkpoint_completion_target": "0.9",
}
"""As an instance of the stack would have them; `fsync` is on, as it must be."""

HBA = ("local all all peer map=waqiti", "host all all 127.0.0.1/32 scram-sha-256")


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder for servers, removed afterwards. `TMPDIR` says on which disk."""
    folder = Path(tempfile.mkdtemp(prefix="waqiti-bench-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_server(
    folder: Path, version: int, parameters: Mapping[str, str] | None = None
) -> Iterator[PostgresServer]:
    """A server of its own, with data under `folder`; destroyed afterwards."""
    paths.make_private(folder)
    server = PostgresServer(
        binaries.postgres_bin(version),
        folder / "data",
        ports.free_port(),
        paths.socket_dir(folder),
        folder / "log" / "server.log",
    )
    server.initialise(ADMINISTRATOR.name, ADMINISTRATOR.password.get_secret_value(), sync=False)
    server.configure({**PARAMETERS, **(parameters or {})}, HBA)
    server.start()
    try:
        yield server
    finally:
        server.destroy()


def database(server: PostgresServer, side: Side, name: str, login: Login = ADMINISTRATOR) -> Database:
    """A database of a server, as its administrator sees it."""
    endpoint = Endpoint(
        host="localhost", address=server.address, port=server.port, database=name, sslmode="disable"
    )
    return Database(name, side, endpoint, login)


@contextmanager
def client_environment(where: Database) -> Iterator[dict[str, str]]:
    """The environment of a client that stands for somebody else's tool: it reaches `where`, and its sessions
    have the server's settings instead of the migration's."""
    with where.client_environment() as environment:
        yield {name: value for name, value in environment.items() if name != "PGOPTIONS"}


def machine() -> dict[str, Any]:
    """What it was measured on, and when."""
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass  # not Linux: the platform's word is all there is
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": model,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }


def median(values: Sequence[float]) -> float:
    """The median, to three digits behind the point."""
    return round(statistics.median(values), 3)


def ending(main: Callable[[], None]) -> None:
    """Run a measurement; Ctrl-C and SIGTERM (a time-out's) end it, with all that it brought up."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        main()
    except KeyboardInterrupt:
        say("interrupted: nothing was concluded, and all that was brought up is removed")
        raise SystemExit(130) from None


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what is brought up is being removed
    raise KeyboardInterrupt


def say(text: str) -> None:
    """A line for the person who waits, on standard error."""
    print(text, file=sys.stderr, flush=True)


def conclude(result: Mapping[str, Any]) -> None:
    """The last line, on standard output."""
    print(json.dumps(result), flush=True)
