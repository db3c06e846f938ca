"""What the providers have in common that stand for a container's server rather than for its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.dynamic import ReadResult

from components.platforms.local_provider import LocalProvider


class ContainerProvider(LocalProvider):
    """Looks whether the container runs. Deleting does nothing: the container goes by itself."""

    replaced_by = ("container",)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        found = _inspect(props)
        if found is None:
            return ReadResult(None, {})
        return ReadResult(id_, {**self.kept(props), "running": bool(found["State"]["Running"])})

    def needs_attention(self, props: Mapping[str, Any]) -> bool:
        found = _inspect(props)
        return not props.get("running") or found is None or not found["State"]["Running"]


def _inspect(props: Mapping[str, Any]) -> dict[str, Any] | None:
    from components.platforms.docker_engine import Engine

    return Engine(props["socket"]).container(props["container"])
