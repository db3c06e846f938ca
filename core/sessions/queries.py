"""The longer queries of a package: one a file in its `sql/`, read once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files

from psycopg import sql


@cache
def _read(package: str, name: str) -> bytes:
    return files(package).joinpath("sql", f"{name}.sql").read_bytes()


def queries(package: str) -> Callable[[str], bytes]:
    """Gives the text of `<package>/sql/<name>.sql`, for `execute`; parameters are psycopg's `%(name)s`."""
    return lambda name: _read(package, name)


def statements(package: str) -> Callable[[str], sql.SQL]:
    """Gives a name's text as a template: `.format(table=sql.Identifier(...))` fills its `{table}`.

    What several queries have in common is a statement of its own, which fills their place for it.
    """
    return lambda name: sql.SQL(_read(package, name).decode())
