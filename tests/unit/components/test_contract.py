"""The contract: what a stack exports is what the migration reads; passwords stay secrets on the way."""

from __future__ import annotations

import re
from typing import Any

import pulumi
import pytest
from pydantic import ValidationError

from components import outputs
from components.catalogue.model import Catalogue
from components.catalogue.read import read_catalogue
from components.contract import Contract, Endpoint, LocalGatewayControl, LocalInstanceControl
from components.platforms.interface import Gateway, GatewayArgs, Instance, InstanceArgs, SourceRoute
from components.service.database import ServiceDatabase, ServiceDatabaseArgs
from components.settings.model import Settings
from components.tuning.tune import tune
from tests.support.places import REPOSITORY
from tests.unit.recording import RecordingPlatform, record

pytestmark = pytest.mark.unit

CATALOGUE: Catalogue = read_catalogue(REPOSITORY / "services.yaml")
SETTINGS = Settings.model_validate(
    {
        "source": {
            "host": "postgres-shared",
            "administrator": {"name": "postgres", "password": "administrator's"},
            "application": {"name": "waqiti_app", "password": "application's"},
        },
        "services": ["user", "wallet"],
    }
)


class _LocalLikePlatform(RecordingPlatform):
    """Gives the controls that the local platform gives."""

    def instance(self, name: str, args: InstanceArgs, opts: pulumi.ResourceOptions) -> Instance:
        made = super().instance(name, args, opts)
        control = LocalInstanceControl(binaries="/bin", data="/data", sockets="/sockets")
        return Instance(made.resource, made.endpoint, control.model_dump())

    def gateway(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions) -> Gateway:
        made = super().gateway(name, args, opts)
        control = LocalGatewayControl.model_validate(
            {
                "sockets": "/sockets",
                "port": args.port,
                "administrator": {"name": "pgbouncer", "password": ""},
                "routes": "/routes",
                "service_userlist": "/users",
            }
        )
        administrator = {"name": "pgbouncer", "password": pulumi.Output.secret(args.administrator_password)}
        return Gateway(made.resource, made.endpoint, {**control.model_dump(), "administrator": administrator})


def exported(settings: Settings = SETTINGS) -> tuple[dict[str, Any], set[str]]:
    """What the stack exports, resolved, and the paths of what is secret in it."""
    found: dict[str, Any] = {}
    secrets: set[str] = set()

    def program() -> None:
        databases = {
            name: ServiceDatabase(
                name,
                ServiceDatabaseArgs(
                    entry=entry,
                    platform=_LocalLikePlatform(),
                    version=17,
                    parameters=tune(entry, version=17),
                    endpoint_port=entry.endpoint.port,
                    instance_port=entry.endpoint.port + 10000,
                    source=SourceRoute(
                        Endpoint(host="s", port=5432, database="waqiti"), "waqiti_app", "x", "postgres", "y"
                    ),
                ),
            )
            for name, entry in settings.deployed(CATALOGUE).items()
        }
        contract = outputs.contract(settings, CATALOGUE, databases)
        _collect(contract, "", found, secrets)

    record(program)
    return _nested(found), secrets


def _collect(value: Any, path: str, found: dict[str, Any], secrets: set[str]) -> None:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            _collect(inner, f"{path}.{key}" if path else key, found, secrets)
    elif isinstance(value, pulumi.Output):
        secrets.add(path)
        value.apply(lambda resolved: found.update({path: resolved}))
    else:
        found[path] = value


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, last = path.split(".")
        here = root
        for part in parents:
            here = here.setdefault(part, {})
        here[last] = value
    return root


def test_what_the_stack_exports_the_migration_reads() -> None:
    contract = Contract.model_validate(exported()[0])
    assert list(contract.services) == ["user", "wallet"]
    assert contract.services["user"].endpoint.host == "postgres-user"
    assert contract.services["user"].migration.name == "waqiti_user_migration"
    assert contract.catalogue_digest == CATALOGUE.digest


def test_a_service_is_let_through_to_those_that_the_stack_deploys() -> None:
    settings = SETTINGS.model_copy(update={"services": ("user", "analytics")})
    contract = Contract.model_validate(exported(settings)[0])
    assert CATALOGUE.services["analytics"].reads == ("user", "wallet")
    assert contract.services["analytics"].reads == ("user",)


def test_only_passwords_are_secret() -> None:
    _, secrets = exported()
    assert secrets, "there are passwords"
    assert all(path.endswith(".password") for path in secrets), secrets


def test_every_password_is_secret() -> None:
    content, secrets = exported()
    passwords = {
        match.group(1) for match in re.finditer(r"'([a-z_.]+\.password)'", repr(sorted(_paths(content, ""))))
    }
    assert passwords == secrets


def _paths(value: Any, path: str) -> list[str]:
    if isinstance(value, dict):
        return [
            inner for key, one in value.items() for inner in _paths(one, f"{path}.{key}" if path else key)
        ]
    return [path]


def test_a_contract_of_another_version_is_refused() -> None:
    content, _ = exported()
    with pytest.raises(ValidationError, match="version"):
        Contract.model_validate({**content, "version": 2})


def test_a_contract_that_is_printed_shows_no_password() -> None:
    assert "administrator's" not in repr(Contract.model_validate(exported()[0]))


def test_spring_gets_the_keys_it_reads_and_no_password() -> None:
    keys: dict[str, Any] = {}

    def program() -> None:
        entry = CATALOGUE.services["user"]
        args = ServiceDatabaseArgs(
            entry=entry,
            platform=_LocalLikePlatform(),
            version=17,
            parameters={},
            endpoint_port=5433,
            instance_port=15433,
            source=SourceRoute(
                Endpoint(host="s", port=5432, database="waqiti"), "waqiti_app", "x", "postgres", "y"
            ),
        )
        keys.update(outputs.spring({"user": ServiceDatabase("user", args)}, CATALOGUE)["user"])

    record(program)
    assert keys == {
        "spring.datasource.url": "jdbc:postgresql://postgres-user:5433/waqiti_users"
        "?sslmode=verify-full&ApplicationName=user&prepareThreshold=0",
        "spring.datasource.username": "waqiti_user_service",
        "spring.datasource.password": "${USER_DB_PASSWORD}",
        "spring.datasource.hikari.maximum-pool-size": 20,
        "spring.datasource.hikari.minimum-idle": 5,
        "spring.datasource.hikari.connection-timeout": 30_000,
        "spring.datasource.hikari.validation-timeout": 5_000,
        "spring.flyway.url": "jdbc:postgresql://postgres-user:5433/waqiti_users_ddl?sslmode=verify-full",
        "spring.flyway.user": "waqiti_user_ddl",
        "spring.flyway.password": "${USER_DB_DDL_PASSWORD}",
    }


def test_the_template_of_the_environment_names_every_variable() -> None:
    template = (REPOSITORY / ".env.template").read_text(encoding="utf-8")
    named = set(re.findall(r"^([A-Z_]+)=$", template, re.MULTILINE))
    entries = CATALOGUE.services.values()
    assert named == {"SOURCE_DB_PASSWORD", "SOURCE_DB_ADMIN_PASSWORD"} | {
        variable
        for entry in entries
        for variable in (entry.password_variable, entry.ddl_password_variable, entry.backup_key_variable)
    }
