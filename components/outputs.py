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

from components.catalogue.model import Catalogue
from components.contract import CONTRACT_VERSION, Endpoint, MonitoringControl, ddl_database
from components.service.by_turns import RoleLogin
from components.service.database import ServiceDatabase
from components.settings.model import Settings, SourceLogin
from servers.checkout import commit
from servers.pgbouncer_versions import keeps_prepared


def program_version() -> str:
    """The version of this program, from pyproject.toml beside it."""
    project = Path(__file__).parents[1] / "pyproject.toml"
    return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])


def contract(
    settings: Settings,
    catalogue: Catalogue,
    databases: Mapping[str, ServiceDatabase],
    monitoring: MonitoringControl | None = None,
) -> dict[str, Any]:
    """The `contract` output: what `components.contract.Contract` reads back, passwords as secrets."""
    return {
        "version": CONTRACT_VERSION,
        "project": pulumi.get_project(),
        "stack": pulumi.get_stack(),
        "platform": settings.platform,
        "program": program_version(),
        "commit": commit(Path(__file__).parents[1]),
        "catalogue_digest": catalogue.digest,
        "sign_offs": {stage.value: list(names) for stage, names in catalogue.sign_offs.items()},
        "source": {
            "endpoint": settings.source_endpoint.model_dump(mode="json"),
            "administrator": _source_login(settings.source.administrator),
            "application": _source_login(settings.source.application),
        },
        "services": {
            name: _service(name, catalogue, database, settings) for name, database in databases.items()
        },
        **({} if monitoring is None else {"monitoring": monitoring.model_dump(mode="json")}),
    }


def monitoring(control: MonitoringControl) -> dict[str, Any]:
    """What a Prometheus of yours reads, and where the stack's own is."""
    return {
        "targets": control.targets,
        "rules": f"{control.folder}/rules.json",
        "dashboards": f"{control.folder}/dashboards",
        **({} if control.prometheus_port is None else {"prometheus": control.prometheus}),
    }


def deployed(catalogue: Catalogue) -> dict[str, str | None]:
    """The `deployed` output: which version of what; no secret, so that another stack may read it."""
    return {
        "program": program_version(),
        "commit": commit(Path(__file__).parents[1]),
        "catalogue_digest": catalogue.digest,
    }


def promoted_from(lower: str) -> dict[str, Any]:
    """The `promotedFrom` output: what the stack that this one is promoted from had deployed at this `up`."""
    whole = lower if "/" in lower else f"{pulumi.get_organization()}/{pulumi.get_project()}/{lower}"
    return {"stack": lower, "deployed": pulumi.StackReference(whole).get_output("deployed")}


def spring(databases: Mapping[str, ServiceDatabase], catalogue: Catalogue) -> dict[str, Any]:
    """For each service, the keys that its Spring configuration takes; the password stays in its variable."""
    return {
        name: {
            "spring.datasource.url": _jdbc_url(database.endpoint, name, prepared=_prepared(database)),
            "spring.datasource.username": database.application.name,
            "spring.datasource.password": f"${{{catalogue.services[name].password_variable}}}",
            "spring.datasource.hikari.maximum-pool-size": catalogue.services[name].pool.maximum,
            "spring.datasource.hikari.minimum-idle": catalogue.services[name].pool.idle,
            **_waits(catalogue.services[name].pool.connection_timeout),
            "spring.flyway.url": _ddl_jdbc_url(database.endpoint),
            "spring.flyway.user": database.ddl.name,
            "spring.flyway.password": f"${{{catalogue.services[name].ddl_password_variable}}}",
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
        "application": _login(database.application),
        "previous": list(database.previous),
        "shared_logins": list(database.shared_logins),
        "turns": database.turns.logins,
        "migration": _login(database.migration),
        "monitoring": _login(database.monitoring),
        "backup": _login(database.backup),
        "ddl": _login(database.ddl),
        "backups": None if database.backups is None else database.backups.model_dump(mode="json"),
        "gateway_control": dict(database.gateway.control),
        "instance_control": dict(database.instance.control),
        "pool_maximum": entry.pool.maximum,
        "pool_idle": entry.pool.idle,
        "connection_timeout": entry.pool.connection_timeout,
        "password_variable": entry.password_variable,
        "pooling": entry.pooling,
        "shared": None if database.shared is None else _login(database.shared),
        "takes_over": settings.takes_over(name),
        "crossing": [rule.model_dump(mode="json") for rule in entry.crossing],
        "reads": [read for read in entry.reads if read in deployed],
        "row_security": entry.row_security,
        **({} if entry.slo is None else {"slo": entry.slo.policy.model_dump(mode="json")}),
        **({} if entry.rehearsal is None else {"rehearsal_limit": entry.rehearsal}),
    }


def _login(login: RoleLogin) -> dict[str, Any]:
    return {"name": login.name, "password": login.password}


def _source_login(login: SourceLogin) -> dict[str, Any]:
    return {"name": login.name, "password": pulumi.Output.secret(login.password.get_secret_value())}


def _prepared(database: ServiceDatabase) -> bool:
    return database.pooling == "session" or keeps_prepared(database.gateway.version)


def _waits(seconds: float) -> dict[str, int]:
    """HikariCP's times, in milliseconds: validation-timeout has to be below connection-timeout."""
    wait = round(seconds * 1000)
    return {
        "spring.datasource.hikari.connection-timeout": wait,
        "spring.datasource.hikari.validation-timeout": max(250, min(5000, wait // 2)),
    }


def _jdbc_url(endpoint: Endpoint, application: str, *, prepared: bool) -> str:
    """pgjdbc's URL. A PgBouncer before 1.22 loses what is prepared on the server, so that stays off there:
    https://jdbc.postgresql.org/documentation/server-prepare/"""
    unprepared = "" if prepared else "&prepareThreshold=0"
    return f"{_jdbc(endpoint, endpoint.database)}&ApplicationName={application}{unprepared}"


def _ddl_jdbc_url(endpoint: Endpoint) -> str:
    """The same for schema migrations, whose every client has a session of its own."""
    return _jdbc(endpoint, ddl_database(endpoint.database))


def _jdbc(endpoint: Endpoint, database: str) -> str:
    certificate = f"&sslrootcert={quote(endpoint.sslrootcert)}" if endpoint.sslrootcert else ""
    return f"jdbc:postgresql://{endpoint.host}:{endpoint.port}/{database}?sslmode={endpoint.sslmode}{certificate}"
