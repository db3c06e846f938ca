"""What drift finds, and what a check is given. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 - how Pulumi marks one
_SERVICE_DATABASE, _ROLES = "waqiti:database:ServiceDatabase", "waqiti:database:Roles"


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was declared."""

    service: str
    what: str
    declared: str
    found: str
    origin: str
    """Where the difference comes from: a file, a catalogue's row, a program's memory."""
    mend: str
    """A command that takes it back, to paste into a shell of the stack's machine."""


@dataclass(frozen=True)
class Resource:
    """A resource of the stack's state."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    """Secrets in clear: never to be printed."""


@dataclass(frozen=True)
class Declared:
    """What the state says of one service."""

    service: str
    stack: str
    resources: tuple[Resource, ...] = field(repr=False)

    def of(self, kind: str) -> Iterator[Mapping[str, Any]]:
        """The inputs of the resources whose type ends so, for example `:Role`."""
        return (one.inputs for one in self.resources if one.type.endswith(kind))

    def one(self, *kinds: str) -> Mapping[str, Any] | None:
        """The inputs of the first such resource; None when there is none."""
        return next((inputs for kind in kinds for inputs in self.of(kind)), None)

    @property
    def platform(self) -> str:
        """`local` or `docker`."""
        return "docker" if self.one("docker:InstanceFiles") else "local"

    @property
    def instance(self) -> Mapping[str, Any]:
        """Inputs of the resource that has the instance's parameters and whom it admits."""
        found = self.one("local:Instance", "docker:InstanceFiles")
        return found or {}

    @property
    def database(self) -> str:
        return str(self.instance.get("database", ""))


def read_state(export: Mapping[str, Any], stack: str) -> dict[str, Declared]:
    """The services of `pulumi stack export --show-secrets`, by name."""
    services: dict[str, list[Resource]] = {}
    for one in export["deployment"].get("resources") or []:
        service = _service(one)
        if service is not None:
            inputs = {key: _plain(value) for key, value in (one.get("inputs") or {}).items()}
            services.setdefault(service, []).append(Resource(one["type"], one["urn"].split("::")[-1], inputs))
    return {name: Declared(name, stack, tuple(resources)) for name, resources in services.items()}


def _service(one: Mapping[str, Any]) -> str | None:
    kind, _, name = str(one.get("parent") or "").rpartition("::")
    kind = kind.rpartition("::")[2].rpartition("$")[2]
    if kind == _SERVICE_DATABASE:
        return name
    return name.removesuffix("-roles") if kind == _ROLES else None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        if _SECRET in value:
            return json.loads(value["plaintext"])
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
