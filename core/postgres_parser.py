"""pglast, PostgreSQL's own parser, imported when something is parsed first: it takes a tenth of a second."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = [
    "AlterTableType",
    "ConstrType",
    "FunctionParameterMode",
    "RawStream",
    "RoleSpecType",
    "ast",
    "parse_sql",
    "parser",
]

if TYPE_CHECKING:
    from pglast import ast, parse_sql, parser
    from pglast.enums import AlterTableType, ConstrType, FunctionParameterMode, RoleSpecType
    from pglast.stream import RawStream
else:

    class _Later:
        """A module, or a name of one, that is looked up when it is used."""

        def __init__(self, module: str, name: str | None = None) -> None:
            self._where = module, name

        def _found(self) -> Any:
            module, name = self._where
            found = import_module(module)
            return found if name is None else getattr(found, name)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._found(), name)

        def __call__(self, *arguments: Any, **named: Any) -> Any:
            return self._found()(*arguments, **named)

    ast, parser = _Later("pglast.ast"), _Later("pglast.parser")
    parse_sql, RawStream = _Later("pglast", "parse_sql"), _Later("pglast.stream", "RawStream")
    AlterTableType, ConstrType = (
        _Later("pglast.enums", "AlterTableType"),
        _Later("pglast.enums", "ConstrType"),
    )
    FunctionParameterMode = _Later("pglast.enums", "FunctionParameterMode")
    RoleSpecType = _Later("pglast.enums", "RoleSpecType")
