"""The stack's settings: Pulumi configuration and environment in, one typed value out, or every problem.

Pure but for `this_host`: configuration, environment and the host's memory are arguments.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.alias_generators import to_camel

from components import settings_rules
from components.catalogue import Catalogue, Host, ServiceEntry
from components.contract import Endpoint
from components.problems import ConfigurationError, Problem, from_validation
from components.settings_docker import DockerSettings
from components.tuning import tune

SOURCE_PASSWORD_VARIABLE = "SOURCE_DB_PASSWORD"  # noqa: S105 - a variable's name
SOURCE_ADMIN_PASSWORD_VARIABLE = "SOURCE_DB_ADMIN_PASSWORD"  # noqa: S105 - a variable's name


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class SourceLogin(_Part):
    """A role of the shared database; its password comes from the environment or is a secret."""

    name: str = Field(min_length=1, max_length=63)
    password: SecretStr = Field(min_length=1)


class SourceSettings(_Part):
    """The shared database that is split."""

    host: Host
    """The name that its certificate carries."""
    address: str | None = None
    """IP address to connect to when `host` does not resolve here."""
    port: int = Field(default=5432, ge=1, le=65535)
    database: str = Field(default="waqiti", min_length=1, max_length=63)
    sslmode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = "verify-full"
    sslrootcert: str | None = None
    """Path of the CA's certificate; a relative one starts at the state folder."""
    administrator: SourceLogin
    application: SourceLogin


class Settings(_Part):
    """What differs between stacks. Each field is a key of Pulumi.<stack>.yaml, in camelCase."""

    platform: Literal["local", "docker", "kubernetes"] = "local"
    postgres_version: Literal[16, 17, 18] = 17
    postgres_bin: str | None = None
    """Local platform: folder of `postgres` and `initdb`, instead of the packaged ones."""
    source: SourceSettings
    scale: float = Field(default=1.0, gt=0, le=64)
    """Multiplies every instance's memory."""
    port_offset: int = Field(default=0, ge=0, le=60000)
    """Added to every endpoint's port, so that stacks can stand side by side."""
    instance_port_offset: int = Field(default=10000, ge=1, le=60000)
    """An instance listens at its endpoint's port plus this."""
    state_folder: str | None = None
    """Local platform: where the instances live."""
    docker: DockerSettings = DockerSettings()
    keep_data: bool = True
    """Whether `destroy` leaves the instances' data where it is."""
    protect_data: bool = True
    """Whether what holds data is protected from Pulumi's deletes, and retained when it leaves the program."""
    password_rotation: str = Field(default="1", min_length=1)
    """Any text; changing it draws every generated password anew."""
    services: tuple[str, ...] | None = None
    """The services of the catalogue that this stack deploys; None for all."""
    service_passwords: Mapping[str, SecretStr] = Field(default_factory=dict)
    """By service, as secrets; the variable that the catalogue names wins; else one is generated."""

    @property
    def source_endpoint(self) -> Endpoint:
        """The shared database, as the contract says it."""
        source = self.source
        return Endpoint(
            host=source.host,
            address=source.address,
            port=source.port,
            database=source.database,
            sslmode=source.sslmode,
            sslrootcert=source.sslrootcert,
        )

    def endpoint_port(self, entry: ServiceEntry) -> int:
        """Where the service's gateway listens."""
        return entry.endpoint.port + self.port_offset

    def instance_port(self, entry: ServiceEntry) -> int:
        """Where the service's own PostgreSQL listens."""
        return self.endpoint_port(entry) + self.instance_port_offset

    def disk(self, service: str) -> int | None:
        """kB that the service's instance has for its data; None when the settings do not say."""
        return self.docker.volume_of(service).size if self.platform == "docker" else None

    def deployed(self, catalogue: Catalogue) -> dict[str, ServiceEntry]:
        """The entries that this stack deploys, in the catalogue's order."""
        chosen = self.services
        return {name: entry for name, entry in catalogue.services.items() if chosen is None or name in chosen}


def read_settings(
    configuration: Mapping[str, str],
    environment: Mapping[str, str],
    catalogue: Catalogue,
    *,
    project: str,
    host_memory: int | None,
    state: Path,
    preview: bool = False,
) -> Settings:
    """The settings in Pulumi's `configuration` (all keys with their namespace, secrets decrypted).

    `environment` gives the passwords; `host_memory` is this machine's, in kB, None when not known;
    `state` is where a relative `sslrootcert` starts. A preview does without the files that only `up`
    needs, so that it is complete on another machine. Raises ConfigurationError with every problem there
    is, before any resource is made.
    """
    where = f"{project}:"
    own = {key.removeprefix(where): value for key, value in configuration.items() if key.startswith(where)}
    problems: list[Problem] = []
    raw = {key: _decoded(key, value) for key, value in own.items()}
    _add_source_passwords(raw, environment)
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        problems += [_with_variable(problem) for problem in from_validation(error, Settings, where)]
    if settings is not None:
        certificate = settings.source.sslrootcert
        source = settings.source.model_copy(
            update={"sslrootcert": str(state / Path(certificate).expanduser()) if certificate else None}
        )
        settings = settings.model_copy(
            update={
                "source": source,
                "service_passwords": _service_passwords(settings, environment, catalogue),
            }
        )
        problems += settings_rules.check(settings, catalogue, where, host_memory, preview=preview)
        problems += _tuning_problems(settings, catalogue)
    if problems or settings is None:
        raise ConfigurationError(problems)
    return settings


def this_host_memory() -> int | None:
    """This machine's memory in kB, or the container's limit when that is less; None when not known."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024
    except (ValueError, OSError):
        return None
    limit_file = Path("/sys/fs/cgroup/memory.max")
    limit = limit_file.read_text(encoding="ascii").strip() if limit_file.exists() else "max"
    return min(total, int(limit) // 1024) if limit.isdigit() else total


_TEXT_KEYS = frozenset({"platform", "postgresBin", "stateFolder", "passwordRotation"})


def _decoded(key: str, value: str) -> Any:
    """Pulumi hands every value over as text, objects and numbers as JSON."""
    if key in _TEXT_KEYS:
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _add_source_passwords(raw: dict[str, Any], environment: Mapping[str, str]) -> None:
    source = raw.get("source")
    if not isinstance(source, dict):
        return
    for key, variable in (
        ("administrator", SOURCE_ADMIN_PASSWORD_VARIABLE),
        ("application", SOURCE_PASSWORD_VARIABLE),
    ):
        login = source.get(key)
        if isinstance(login, dict) and environment.get(variable):
            source[key] = {**login, "password": environment[variable]}


def _with_variable(problem: Problem) -> Problem:
    """Say which variable a missing password is read from."""
    for key, variable in (
        ("source.administrator.password", SOURCE_ADMIN_PASSWORD_VARIABLE),
        ("source.application.password", SOURCE_PASSWORD_VARIABLE),
    ):
        if problem.key.endswith(key) and problem.what == "not set":
            fix = f"export {variable}, or `pulumi config set --secret --path {key}`"
            return Problem(problem.key, problem.what, fix)
    return problem


def _service_passwords(
    settings: Settings, environment: Mapping[str, str], catalogue: Catalogue
) -> dict[str, SecretStr]:
    passwords = dict(settings.service_passwords)
    for name, entry in settings.deployed(catalogue).items():
        if environment.get(entry.password_variable):
            passwords[name] = SecretStr(environment[entry.password_variable])
    return passwords


def _tuning_problems(settings: Settings, catalogue: Catalogue) -> list[Problem]:
    problems: list[Problem] = []
    for name, entry in settings.deployed(catalogue).items():
        try:
            tune(entry, version=settings.postgres_version, scale=settings.scale, disk=settings.disk(name))
        except ConfigurationError as error:
            problems += [
                Problem(f"services.yaml: services.{name}.{one.key}", one.what, one.fix)
                for one in error.problems
            ]
    return problems
