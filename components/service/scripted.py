"""What a superuser makes with a script in a service's own database, as a dynamic resource of the stack.

The script is one of the resource's properties, `text`: a new version of it is a change that a preview shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.dynamic import CreateResult, DiffResult, ReadResult, ResourceProvider, UpdateResult

from components.provider_names import as_name
from components.service.administration import Connection, as_administrator


class ScriptedProvider(ResourceProvider):
    """Makes it in the property `database`; another database is another resource. Subclasses say what."""

    serialize_as_secret_always = False

    def __reduce__(self) -> tuple[Any, ...]:
        return as_name(self)

    def make(self, connection: Connection, props: Mapping[str, Any]) -> None:
        """Make it, or bring it up to date."""
        raise NotImplementedError

    def stands(self, connection: Connection) -> bool:
        """Whether it is there, and does what it is for."""
        raise NotImplementedError

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(str(props["database"]), self._made(props))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return DiffResult(
            changes=any(_olds.get(key) != one for key, one in _news.items()),
            replaces=["database"] if _olds.get("database") != _news.get("database") else [],
            delete_before_replace=False,
        )

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._made(_news))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        with as_administrator(props, props["database"]) as connection:
            return ReadResult(id_, {**props, "text": props["text"] if self.stands(connection) else ""})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Nothing: it goes with the database."""

    def _made(self, props: dict[str, Any]) -> dict[str, Any]:
        with as_administrator(props, props["database"]) as connection:
            self.make(connection, props)
        return props
