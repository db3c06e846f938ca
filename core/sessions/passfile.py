"""A password in a file that only its owner reads, for as long as a client program needs it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from core.sessions.left_files import own_prefix, remove_left

_KIND = "waqiti-pgpass-"


@contextmanager
def passfile(password: SecretStr) -> Iterator[Path]:
    """Yield the path of a libpq password file (mode 0600) that matches every host and role.

    Format: https://www.postgresql.org/docs/current/libpq-pgpass.html. The file is removed when the
    context ends; what a killed process left behind is removed by the next one.
    """
    remove_left(_KIND)
    descriptor, name = tempfile.mkstemp(prefix=own_prefix(_KIND))
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"*:*:*:*:{_escaped(password.get_secret_value())}\n")
        yield path
    finally:
        path.unlink(missing_ok=True)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(":", "\\:")
