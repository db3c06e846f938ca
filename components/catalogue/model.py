"""services.yaml as values: what each service needs, typed and checked by itself."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from components.backup.entry import BackupEntry, Seconds
from components.backup.points import RestorePointsEntry
from components.catalogue.slo import SloEntry
from components.contract import CrossingRule, Pooling, RowSecurityMode
from components.locale import PLAIN, Locale
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


_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0}


def _seconds(value: object) -> object:
    """`5s`, `750ms` or `1min` as seconds; a bare number is seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|min)", value) if isinstance(value, str) else None
    return float(found[1]) * _UNITS[found[2]] if found else value


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Workload(StrEnum):
    """What a service does to its database; `components.tuning.tune` turns it into parameters."""

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
    """What the instance may use. What is not given is computed by `components.tuning.tune`."""

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
    connection_timeout: Annotated[float, BeforeValidator(_seconds)] = Field(default=30.0, ge=0.25, le=600)
    """Seconds that the most impatient of the service's applications waits for a connection of its pool
    (Hikari's connection-timeout). A switch gives up its pause before."""


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
    pooling: Pooling = "transaction"
    """`session`: each client keeps its server connection, and a switch ends the connections between their
    transactions (docs/applications.md)."""
    sessions: Mapping[Identifier, ParameterValue] = Field(default_factory=dict)
    """Settings that every session of its applications begins with, on either side of the move, at once."""
    parameters: Mapping[Identifier, ParameterValue] = Field(default_factory=dict)
    """postgresql.conf, over what `components.tuning.tune` computes."""
    extensions: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")], ...] = ()
    """Created in `public` by the administrator, beside pg_stat_statements."""
    locale: Locale | None = None
    """By which its database sorts text and knows letters; None: the catalogue's."""
    reads: tuple[ServiceName, ...] = ()
    """Services whose tables it follows (a `reference`): its instance may connect to theirs, to stream."""
    row_security: RowSecurityMode | None = None
    """Whether policies bind its role, where they did not bind the shared database's common one."""
    backup: BackupEntry = BackupEntry()
    """How often it is backed up, and how long that is kept."""
    slo: SloEntry | None = None
    """What a move must not do to it; None: nothing is watched."""
    rehearsal: Seconds | None = None
    """Without a rehearsal of its move so young, `start` is refused; None: none is asked for."""
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
    def ddl_role(self) -> str:
        """The role that its schema migrations (Flyway, Liquibase, ...) log in with, on both sides."""
        return f"{self.role_stem}_ddl"

    @property
    def ddl_password_variable(self) -> str:
        """The environment variable that they, and `pulumi up`, read that role's password from."""
        return f"{self.password_variable.removesuffix('_PASSWORD')}_DDL_PASSWORD"

    @property
    def backup_key_variable(self) -> str:
        """The variable that `pulumi up` reads the key of its archive in an object store from."""
        return f"{self.password_variable.removesuffix('_PASSWORD')}_BACKUP_KEY"

    @property
    def roles(self) -> tuple[str, ...]:
        """All roles that the stack makes for the service."""
        return (
            self.owner,
            self.role,
            self.migration_role,
            self.monitoring_role,
            self.backup_role,
            self.ddl_role,
        )


class Stage(StrEnum):
    """What a person may have to sign."""

    START = "start"
    CUTOVER = "cutover"
    ROLLBACK = "rollback"
    FINISH = "finish"
    PROMOTION = "promotion"


class Catalogue(_Entry):
    """All services."""

    services: Mapping[ServiceName, ServiceEntry]
    locale: Locale = PLAIN
    """Of every service's database that names none of its own."""
    sign_offs: Mapping[Stage, tuple[Annotated[str, Field(min_length=1)], ...]] = Field(default_factory=dict)
    """Whose word a stage waits for, of each service, or of the stack (`promotion`)."""
    restore_points: RestorePointsEntry = RestorePointsEntry()
    """When one of all services is made by itself."""

    def locale_of(self, service: str) -> Locale:
        """The locale of a service's own database. Raises KeyError."""
        return self.services[service].locale or self.locale

    @property
    def digest(self) -> str:
        """SHA-256 of the catalogue's canonical JSON: what it says, not how the file spells it."""
        content = self.model_dump(mode="json", by_alias=True)
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()
