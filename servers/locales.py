"""Whether a PostgreSQL of this machine will have a locale: asked of the C library and of its build."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

from servers import osuser

_ASK = """
import locale, sys
try:
    locale.setlocale(locale.LC_ALL, sys.argv[1])
except locale.Error:
    sys.exit(3)
print(locale.nl_langinfo(locale.CODESET))
"""
_UTF8 = "UTF-8"


@functools.cache
def codeset(locale: str) -> str | None:
    """The encoding of a locale of the C library, as it calls it (`UTF-8`); None when it has no such locale.

    `C` and `POSIX` fit every encoding: theirs is given as UTF-8.
    """
    if locale in {"C", "POSIX"}:
        return _UTF8
    # In a process of its own: a locale is the whole process's.
    said = subprocess.run(
        [sys.executable, "-I", "-c", _ASK, locale], capture_output=True, text=True, timeout=30, check=False
    )
    return said.stdout.strip() if said.returncode == 0 else None


def fits(encoding: str | None) -> bool:
    """Whether a database of UTF-8 may have a locale of that encoding."""
    return (encoding or "").upper().replace("-", "").replace("_", "") == "UTF8"


@functools.cache
def has_icu(programs: Path) -> bool:
    """Whether the server in the folder `programs` was built with ICU (the default from PostgreSQL 16 on).

    Raises ServerError when there is none.
    """
    from servers import binaries

    options = osuser.run([programs / "pg_config", "--configure"], timeout=30).stdout
    if "--without-icu" in options:
        return False
    return "--with-icu" in options or binaries.postgres_version(programs) >= 16
