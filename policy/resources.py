"""A resource as rules see it, and what a rule remembers of those before it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

DYNAMIC = "pulumi-python:dynamic/"
SERVICE_DATABASE = "waqiti:database:ServiceDatabase"
ROLES = "waqiti:database:Roles"
HOLDS_DATA = frozenset(
    {
        f"{DYNAMIC}local:Instance",
        "docker:index/volume:Volume",
        "postgresql:index/database:Database",
        "postgresql:index/schema:Schema",
    }
)
"""Types whose deletion or replacement is the loss of data."""


@dataclass(frozen=True)
class Resource:
    """What the program declares of a resource."""

    type: str
    name: str
    props: Mapping[str, Any]
    parent: str | None = None
    """URN."""
    protect: bool = False

    @property
    def service(self) -> str | None:
        """The service whose database it is part of; None: of the whole stack."""
        kind, _, name = (self.parent or "").rpartition("::")
        kind = kind.rpartition("::")[2].rpartition("$")[2]
        if kind == SERVICE_DATABASE:
            return name
        return name.removesuffix("-roles") if kind == ROLES else None

    def text(self, name: str) -> str:
        """A property as text; empty where it is not set."""
        return str(self.props.get(name) or "")


@dataclass(frozen=True)
class Stack:
    """The stack's settings, as far as rules ask for them, and what was declared so far."""

    platform: str = "local"
    protect_data: bool = True
    may_lose: frozenset[str] = frozenset()
    """Services whose data the settings give up."""
    roles: dict[str, str] = field(default_factory=dict)
    """Name of a role to its service."""
    databases: dict[str, str] = field(default_factory=dict)
    """By what a gateway leads to (host and port of an endpoint, or a database's name), the service."""

    @property
    def for_development(self) -> bool:
        """The local platform is: processes of one machine, which have no network of their own."""
        return self.platform == "local"


Violations = Iterator[str]
"""One line each: what is wrong, and what to do."""
