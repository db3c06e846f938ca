"""How often a service's logins were rotated, kept in the stack's state: fewer are refused.

The numbers stand in the stack's settings, which travel with the repository. A checkout that lacks the
commit of a rotation would give applications their old logins back, whose passwords are gone.
"""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)

from components.provider_names import as_name
from components.service.turns import Turns

_COUNTED = ("logins", "own")


class _Provider(ResourceProvider):
    serialize_as_secret_always = False

    def __reduce__(self) -> tuple[Any, ...]:
        return as_name(self)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        fallen = [key for key in _COUNTED if int(_olds.get(key) or 0) > int(news.get(key) or 0)]
        said = [
            CheckFailure(
                key,
                f"the stack is at rotation {int(_olds[key])} of {news['service']} ({key}), its settings"
                f" say {int(news[key])}: take over the settings of the last rotation (`git pull`, or `pulumi"
                " config refresh`); numbers only go up",
            )
            for key in fallen
        ]
        return CheckResult(news, said)

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(str(props["service"]), props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=any(_olds.get(key) != one for key, one in _news.items()))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(_news)


class LoginTurns(Resource, module="waqiti", name="LoginTurns"):
    """The rotations that a service's logins have been through."""

    def __init__(
        self, name: str, service: str, turns: Turns, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        props = {
            "service": service,
            "logins": turns.logins,
            "changing": turns.changing,
            "own": turns.own,
        }
        super().__init__(_Provider(), name, props, opts)
