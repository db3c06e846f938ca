"""What a stack exports: the contract, and what a person or a Spring service wants to read.

Only passwords are secret outputs, so that `pulumi stack output` shows the rest.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pulumi

from components.catalogue import Catalogue
from components.contract import CONTRACT_VERSION, Endpoint
from components.service_database import RoleLogin, ServiceDatabase
from components.settings import Settings, SourceLogin


def program_version() -> str:
    """The version of this program, from pyproject.toml beside it."""
    project = Path(__file__).parent.parent / "pyproject.toml"
    return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])


def contract(
    settings: Settings,
    catalogue: Catalogue,
    databases: Mapping[str, ServiceDatabase],
) -> dict[str, Any]:
    """The `contract` output: what `components.contract.Contract` reads back, passwords as secrets."""
    return {
        "version": CONTRACT_VERSION,
        "project": pulumi.get_project(),
        "stack": pulumi.get_stack(),
        "platform": settings.platform,
        "program": program_version(),
        "catalogue_digest": catalogue.digest,
        "source": {
            "endpoint": settings.source_endpoint.model_dump(mode="json"),
            "administrator": _source_login(settings.source.administrator),
            "application": _source_login(settings.source.application),
        },
        "services": {
            name: _service(name, catalogue, database, settings) for name, database in databases.items()
        },
    }


def spring(databases: Mapping[str, ServiceDatabase], catalogue: Catalogue) -> dict[str, Any]:
    """For each service, the keys that its Spring configuration takes; the password stays in its variable."""
    return {
        name: {
            "spring.datasource.url": _jdbc_url(database.endpoint),
            "spring.datasource.username": database.service.name,
            "spring.datasource.password": f"${{{catalogue.services[name].password_variable}}}",
            "spring.datasource.hikari.maximum-pool-size": catalogue.services[name].pool.maximum,
            "spring.datasource.hikari.minimum-idle": catalogue.services[name].pool.idle,
        }
        for name, database in databases.items()
    }


def endpoints(databases: Mapping[str, ServiceDatabase]) -> dict[str, str]:
    """For each service, `host:port/database`."""
    return {
        name: f"{database.endpoint.host}:{database.endpoint.port}/{database.endpoint.database}"
        for name, database in databases.items()
    }


def _service(
    name: str, catalogue: Catalogue, database: ServiceDatabase, settings: Settings
) -> dict[str, Any]:
    entry, deployed = catalogue.services[name], settings.deployed(catalogue)
    return {
        "name": name,
        "schema_name": entry.schema_name,
        "own_schema": entry.own_schema,
        "endpoint": database.endpoint.model_dump(mode="json"),
        "instance": database.instance.endpoint.model_dump(mode="json"),
        "version": settings.postgres_version,
        "owner": entry.owner,
        "service": _login(database.service),
        "migration": _login(database.migration),
        "monitoring": _login(database.monitoring),
        "backup": _login(database.backup),
        "gateway_control": dict(database.gateway.control),
        "instance_control": dict(database.instance.control),
        "pool_maximum": entry.pool.maximum,
        "crossing": [rule.model_dump(mode="json") for rule in entry.crossing],
        "reads": [read for read in entry.reads if read in deployed],
    }


def _login(login: RoleLogin) -> dict[str, Any]:
    return {"name": login.name, "password": login.password}


def _source_login(login: SourceLogin) -> dict[str, Any]:
    return {"name": login.name, "password": pulumi.Output.secret(login.password.get_secret_value())}


def _jdbc_url(endpoint: Endpoint) -> str:
    """pgjdbc's URL. PgBouncer pools by transaction, so server-side prepared statements stay off:
    https://jdbc.postgresql.org/documentation/server-prepare/"""
    certificate = f"&sslrootcert={quote(endpoint.sslrootcert)}" if endpoint.sslrootcert else ""
    return (
        f"jdbc:postgresql://{endpoint.host}:{endpoint.port}/{endpoint.database}"
        f"?sslmode={endpoint.sslmode}{certificate}&prepareThreshold=0"
    )
