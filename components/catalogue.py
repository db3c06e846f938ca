"""The catalogue: which services there are, and what each needs. Read from services.yaml; pure.

Everything that holds for a service on every stack is here; what differs between stacks (platform,
scale, passwords) is in `components.settings`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from components import catalogue_rules
from components.contract import CrossingRule
from components.problems import ConfigurationError, Problem, from_validation
from components.sizes import Kilobytes

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_SERVICE = re.compile(r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?")


def _matching(pattern: re.Pattern[str], message: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(message)
        return value

    return AfterValidator(check)


def _parameter_text(value: object) -> object:
    """A YAML scalar as postgresql.conf spells it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value) if isinstance(value, (int, float)) else value


ServiceName = Annotated[
    str,
    _matching(_SERVICE, "not a service's name; use lower-case letters, digits and `-`, at most 30"),
]
Identifier = Annotated[
    str,
    _matching(_IDENTIFIER, "not a plain identifier; use lower-case letters, digits and `_`, at most 63"),
]
Host = Annotated[str, _matching(_HOST, "not a host name; use lower-case letters, digits, `-` and `.`")]
Variable = Annotated[
    str, _matching(_VARIABLE, "not a variable's name; use capitals, digits and `_`, for example A_PASSWORD")
]
Port = Annotated[int, Field(ge=1024, le=65535)]
ParameterValue = Annotated[str, BeforeValidator(_parameter_text)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Workload(StrEnum):
    """What a service does to its database; `components.tuning` turns it into parameters."""

    READ_HEAVY = "read-heavy"
    TRANSACTIONS = "transactions"
    CONSISTENCY = "consistency"
    APPEND = "append"
    MIXED = "mixed"
    REPORTING = "reporting"
    AUDIT = "audit"
    QUEUE = "queue"


class ServiceEndpoint(_Entry):
    """Where the service's applications connect, from the first day to the last."""

    host: Host
    port: Port


class Resources(_Entry):
    """What the instance may use. What is not given is computed by `components.tuning`."""

    memory: Kilobytes
    """All that the instance may take, page cache included."""
    cpus: int = Field(default=2, ge=1, le=1024)
    max_connections: int | None = Field(default=None, ge=20, le=10_000)
    shared_buffers: Kilobytes | None = None
    effective_cache_size: Kilobytes | None = None
    work_mem: Kilobytes | None = None
    maintenance_work_mem: Kilobytes | None = None


class Pool(_Entry):
    """The service's Hikari pool, all its replicas together."""

    maximum: int = Field(ge=1)
    idle: int = Field(ge=0)


class ServiceEntry(_Entry):
    """One service of the catalogue."""

    schema_name: Identifier = Field(alias="schema")
    """Its schema in the shared database, for good, and in its own until `finish`."""
    own_schema: Identifier | None = None
    """What `finish` renames the schema to in the service's own database; None: it keeps its name."""
    endpoint: ServiceEndpoint
    database: Identifier
    role: Identifier
    password_variable: Variable
    """The environment variable that its applications, and `pulumi up`, read the password from."""
    workload: Workload
    resources: Resources
    pool: Pool
    parameters: Mapping[Identifier, ParameterValue] = Field(default_factory=dict)
    """postgresql.conf, over what `components.tuning` computes."""
    extensions: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")], ...] = ()
    """Created in `public` by the administrator, beside pg_stat_statements."""
    reads: tuple[ServiceName, ...] = ()
    """Services whose tables it follows (a `reference`): its instance may connect to theirs, to stream."""
    crossing: tuple[CrossingRule, ...] = ()
    """What to do with objects that cross to another service; the first that matches decides."""

    @property
    def role_stem(self) -> str:
        """What the names of the service's other roles begin with."""
        return self.role.removesuffix("_service")

    @property
    def owner(self) -> str:
        """The role without login that owns its objects."""
        return f"{self.role_stem}_owner"

    @property
    def migration_role(self) -> str:
        """The role that `migration` logs in with."""
        return f"{self.role_stem}_migration"

    @property
    def monitoring_role(self) -> str:
        """The role that reads statistics."""
        return f"{self.role_stem}_monitoring"

    @property
    def backup_role(self) -> str:
        """The role that dumps, and that takes base backups."""
        return f"{self.role_stem}_backup"

    @property
    def roles(self) -> tuple[str, ...]:
        """All roles that the stack makes for the service."""
        return (self.owner, self.role, self.migration_role, self.monitoring_role, self.backup_role)


class Catalogue(_Entry):
    """All services."""

    services: Mapping[ServiceName, ServiceEntry]

    @property
    def digest(self) -> str:
        """SHA-256 of the catalogue's canonical JSON: what it says, not how the file spells it."""
        content = self.model_dump(mode="json", by_alias=True)
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, but a key that stands twice is an error and not the last one's value."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    keys = [loader.construct_object(key) for key, _ in node.value]
    for number, key in enumerate(keys):
        if key in keys[:number]:
            raise yaml.constructor.ConstructorError(
                None, None, f"{key!r} stands there twice", node.value[number][0].start_mark
            )
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_catalogue(path: Path) -> Catalogue:
    """The catalogue in the file at `path`.

    Raises ConfigurationError with every problem: what YAML or the models refuse, and what two services
    may not share (`components.catalogue_rules`).
    """
    where = f"{path.name}: "
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except FileNotFoundError as error:
        raise ConfigurationError([Problem(str(path), "no such file", "write the catalogue there")]) from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError([Problem(path.name, f"not YAML: {reason}", "correct it")]) from error
    try:
        catalogue = Catalogue.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(from_validation(error, Catalogue, where)) from error
    problems = catalogue_rules.check(catalogue, where)
    if problems:
        raise ConfigurationError(problems)
    return catalogue
