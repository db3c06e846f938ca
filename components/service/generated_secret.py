"""A random password that lives in the stack's encrypted state and nowhere else."""

from __future__ import annotations

import secrets
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from components.provider_names import as_name

ENTROPY_BYTES = 24
"""192 bits: past guessing, and 32 characters long, which every client accepts."""


class _Provider(ResourceProvider):
    serialize_as_secret_always = False

    def __reduce__(self) -> tuple[Any, ...]:
        return as_name(self)

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(secrets.token_hex(8), self._outputs(props))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=_olds.get("rotation") != _news.get("rotation"))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._outputs(_news))

    @staticmethod
    def _outputs(props: dict[str, Any]) -> dict[str, Any]:
        return {"rotation": props["rotation"], "value": secrets.token_urlsafe(ENTROPY_BYTES)}


class GeneratedSecret(Resource, module="waqiti", name="GeneratedSecret"):
    """A password; `rotation` is any text, and changing it draws a new password in place.

    `value` is a secret output of 32 URL-safe characters (192 bits from `secrets`).
    """

    rotation: pulumi.Output[str]
    value: pulumi.Output[str]

    def __init__(self, name: str, rotation: str = "1", opts: pulumi.ResourceOptions | None = None) -> None:
        opts = pulumi.ResourceOptions.merge(
            pulumi.ResourceOptions(additional_secret_outputs=["value"]), opts or pulumi.ResourceOptions()
        )
        super().__init__(_Provider(), name, {"rotation": rotation, "value": None}, opts)
