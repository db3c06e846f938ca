"""The local platform's restore points on a schedule: the file by which the supervisors make them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from components.platforms.provider import LocalProvider


class RestorePointsProvider(LocalProvider):
    """Keeps the file as it was declared."""

    inputs = ("archives", "every", "keep", "digests", "contract")

    def create(self, props: dict[str, Any]) -> CreateResult:
        _write(props)
        return CreateResult("restore-points", self.kept(props))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        return ReadResult(id_ if _file(props).exists() else None, self.kept(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        _write(_news)
        return UpdateResult(self.kept(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """The points that were made stay."""
        _file(_props).unlink(missing_ok=True)

    def needs_attention(self, props: Mapping[str, Any]) -> bool:
        return not _file(props).exists()


class LocalRestorePoints(Resource, module="local", name="RestorePoints"):
    """The schedule of one stack's restore points."""

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(RestorePointsProvider(), name, props, opts)


def _file(props: Mapping[str, Any]) -> Path:
    from components.backup import points

    return Path(props["archives"]) / points.FILE


def _write(props: Mapping[str, Any]) -> None:
    from components.backup import points

    points.write(
        Path(props["archives"]),
        int(props["every"]),
        int(props["keep"]),
        bool(props["digests"]),
        _whole(props["contract"]),
    )


def _whole(value: Any) -> Any:
    """Pulumi's numbers are floats; what is whole goes in as such."""
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
