"""A per cent sign in a name is no placeholder.

psycopg looks for `%s` in the whole text of a statement that is executed with parameters, also in the names
and values that were composed into it: a column `win%` would be a misspelt placeholder, and `%s` one too
many. So sessions of ours have a cursor that takes only what `psycopg.sql.SQL` says for the statement's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import psycopg
from psycopg import abc, sql


class Verbatim(sql.Composable):
    """A piece of SQL that a server wrote, the name of a type for example, which is nobody's template."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._text = text

    def as_bytes(self, context: abc.AdaptContext | None = None) -> bytes:
        """The text, as the server wrote it."""
        return self._text.encode()


class NamesCursor(psycopg.Cursor[Any]):
    """A cursor to which only the template of a composed statement can say where parameters go."""

    def execute(
        self,
        query: Any,
        params: Sequence[Any] | Mapping[str, Any] | None = None,
        *,
        prepare: bool | None = None,
        binary: bool | None = None,
    ) -> Self:
        """As psycopg's, whose errors it raises."""
        if params is not None and isinstance(query, sql.Composed):
            query = b"".join(_with_names(query, self))
        return super().execute(query, params, prepare=prepare, binary=binary)


def _with_names(composed: sql.Composed, context: abc.AdaptContext) -> list[bytes]:
    parts: list[bytes] = []
    for part in composed:
        if isinstance(part, sql.Composed):
            parts += _with_names(part, context)
        elif isinstance(part, sql.SQL | sql.Placeholder):
            parts.append(part.as_bytes(context))
        else:
            parts.append(part.as_bytes(context).replace(b"%", b"%%"))
    return parts
