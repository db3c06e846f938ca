"""A password in a file that only its owner reads, for as long as a client program needs it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import SecretStr

_PREFIX = "waqiti-pgpass-"


@contextmanager
def passfile(password: SecretStr) -> Iterator[Path]:
    """Yield the path of a libpq password file (mode 0600) that matches every host and role.

    Format: https://www.postgresql.org/docs/current/libpq-pgpass.html. The file is removed when the
    context ends; what a killed process left behind is removed by the next one.
    """
    _remove_abandoned()
    descriptor, name = tempfile.mkstemp(prefix=f"{_PREFIX}{os.getpid()}-")
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"*:*:*:*:{_escaped(password.get_secret_value())}\n")
        yield path
    finally:
        path.unlink(missing_ok=True)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(":", "\\:")


def _remove_abandoned() -> None:
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = path.name.removeprefix(_PREFIX).split("-")[0]
        # Another user's file is that user's to remove.
        with suppress(PermissionError, FileNotFoundError):
            if path.stat().st_uid == os.getuid() and not _is_alive(int(pid)):
                path.unlink()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
