"""What the providers have in common that stand for a container's server rather than for its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.dynamic import ReadResult

from components.platforms.provider import LocalProvider


class ContainerProvider(LocalProvider):
    """Looks whether the container runs. Deleting does nothing: the container goes by itself."""

    replaced_by = ("container",)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        from servers.docker_engine import Engine

        engine = Engine(props["socket"])
        if engine.container(props["container"]) is None:
            return ReadResult(None, {})
        return ReadResult(id_, {**self.kept(props), "running": engine.runs(props["container"])})

    def needs_attention(self, props: Mapping[str, Any]) -> bool:
        from servers.docker_engine import Engine

        return not props.get("running") or not Engine(props["socket"]).runs(props["container"])
