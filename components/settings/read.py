"""The stack's settings: Pulumi configuration and environment in, one typed value out, or every problem.

Pure but for `this_host`: configuration, environment and the host's memory are arguments.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from components.catalogue.model import Catalogue
from components.problems import ConfigurationError, Problem, from_validation
from components.settings import rules
from components.settings.model import Settings
from components.tuning.tune import tune

SOURCE_PASSWORD_VARIABLE = "SOURCE_DB_PASSWORD"  # noqa: S105 - a variable's name
SOURCE_ADMIN_PASSWORD_VARIABLE = "SOURCE_DB_ADMIN_PASSWORD"  # noqa: S105 - a variable's name
SECOND_VARIABLE = "_B"
"""Behind a variable's name: the password of the second login, which a rotation makes."""


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
            update={"source": source, **_passwords(settings, environment, catalogue)}
        )
        problems += rules.check(settings, catalogue, where, host_memory, preview=preview)
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


_TEXT_KEYS = frozenset(
    {"catalogue", "platform", "postgresBin", "stateFolder", "passwordRotation", "promotedFrom"}
)


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


def _passwords(
    settings: Settings, environment: Mapping[str, str], catalogue: Catalogue
) -> dict[str, dict[str, SecretStr]]:
    """Those of the settings, and over them those of the environment, by field and service."""
    found: dict[str, dict[str, SecretStr]] = {
        "service_passwords": dict(settings.service_passwords),
        "ddl_passwords": dict(settings.ddl_passwords),
        "second_passwords": dict(settings.second_passwords),
        "second_ddl_passwords": dict(settings.second_ddl_passwords),
        "backup_keys": dict(settings.backup_keys),
    }
    for name, entry in settings.deployed(catalogue).items():
        for key, variable in (
            ("service_passwords", entry.password_variable),
            ("ddl_passwords", entry.ddl_password_variable),
            ("second_passwords", f"{entry.password_variable}{SECOND_VARIABLE}"),
            ("second_ddl_passwords", f"{entry.ddl_password_variable}{SECOND_VARIABLE}"),
            ("backup_keys", entry.backup_key_variable),
        ):
            if environment.get(variable):
                found[key][name] = SecretStr(environment[variable])
    return found


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
