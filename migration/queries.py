"""The longer queries, one a file in migration/sql/, read once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "sql"


@cache
def query(name: str) -> bytes:
    """The text of `sql/<name>.sql`, for `execute`; its parameters are psycopg's `%(name)s`."""
    return (_FOLDER / f"{name}.sql").read_bytes()
