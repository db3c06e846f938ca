"""The stack's settings: every mistake is a line with key, value and fix, before any resource is made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.catalogue.read import read_catalogue
from components.problems import ConfigurationError
from components.settings.model import Settings
from components.settings.read import read_settings
from components.sizes import GB
from tests.support.places import REPOSITORY

pytestmark = pytest.mark.unit

CATALOGUE = read_catalogue(REPOSITORY / "services.yaml")
ENVIRONMENT = {"SOURCE_DB_ADMIN_PASSWORD": "administrator's", "SOURCE_DB_PASSWORD": "application's"}
SOURCE = {
    "host": "postgres-shared",
    "address": "127.0.0.1",
    "port": 5432,
    "administrator": {"name": "postgres"},
    "application": {"name": "waqiti_app"},
}


def read(
    changes: dict[str, Any] | None = None,
    *,
    environment: dict[str, str] | None = None,
    memory: int | None = 64 * GB,
    preview: bool = True,
    state: Path = Path("/nowhere"),
) -> Settings:
    """The settings that Pulumi would hand over: each value as text, objects as JSON."""
    configuration = {"source": SOURCE, **(changes or {})}
    as_text = {
        f"waqiti:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in configuration.items()
    }
    return read_settings(
        {**as_text, "pulumi:tags": "not ours"},
        ENVIRONMENT if environment is None else environment,
        CATALOGUE,
        project="waqiti",
        host_memory=memory,
        state=state,
        preview=preview,
    )


def problems_of(changes: dict[str, Any] | None = None, **options: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        read(changes, **options)
    return [str(problem) for problem in raised.value.problems]


def test_only_the_source_has_to_be_given() -> None:
    settings = read()
    assert settings.postgres_version == 17
    assert settings.protect_data, "data is protected unless a stack says otherwise"
    assert settings.keep_data, "data is kept unless a stack says otherwise"
    assert list(settings.deployed(CATALOGUE)) == list(CATALOGUE.services)


def test_the_dev_stack_can_be_deployed() -> None:
    stack = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]
    changes = {key.removeprefix("waqiti:"): value for key, value in stack.items()}
    assert read(changes, memory=4 * GB).platform == "local"


def test_no_stack_file_holds_a_password() -> None:
    for file in REPOSITORY.glob("Pulumi*.yaml"):
        for line in file.read_text(encoding="utf-8").splitlines():
            assert "password:" not in line.lower(), f"{file.name}: {line}"


def test_pulumi_declares_each_setting_that_it_can() -> None:
    declared = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    optional = {
        "catalogue",
        "docker",
        "kubernetes",
        "mayLose",
        "monitoring",
        "postgresBin",
        "stateFolder",
        "services",
        "servicePasswords",
        "ddlPasswords",
        "secondPasswords",
        "secondDdlPasswords",
        "backupKeys",
        "rotation",
        "promotedFrom",
        "takenOver",
    }
    assert set(declared) == {str(field.alias) for field in Settings.model_fields.values()} - optional


def test_what_pulumi_declares_as_default_is_the_settings_own() -> None:
    declared = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    defaults = {key: value["default"] for key, value in declared.items() if "default" in value}
    assert read(defaults) == read()


def test_a_port_is_the_catalogues_plus_the_stacks_offset() -> None:
    settings = read({"portOffset": 100})
    entry = CATALOGUE.services["user"]
    assert (settings.endpoint_port(entry), settings.instance_port(entry)) == (5533, 15533)


def test_an_unknown_key_is_named_with_the_key_that_was_meant() -> None:
    assert problems_of({"portOfset": 1}) == ["waqiti:portOfset: no such key; did you mean `portOffset`?"]


def test_an_unknown_key_of_the_source_is_compared_with_the_sources() -> None:
    assert problems_of({"source": {**SOURCE, "datbase": "waqiti"}}) == [
        "waqiti:source.datbase: no such key; did you mean `database`?"
    ]


def test_a_platform_that_is_none_is_told_what_there_is() -> None:
    (problem,) = problems_of({"platform": "cloud"})
    assert problem.startswith("waqiti:platform: cloud: input should be 'local', 'docker' or 'kubernetes'")


def test_postgresql_15_is_refused_as_a_target() -> None:
    (problem,) = problems_of({"postgresVersion": 15})
    assert problem.startswith("waqiti:postgresVersion: 15: input should be 16, 17 or 18")


def test_a_missing_password_says_which_variable_to_export() -> None:
    assert problems_of(environment={"SOURCE_DB_PASSWORD": "x"}) == [
        "waqiti:source.administrator.password: not set; export SOURCE_DB_ADMIN_PASSWORD, or "
        "`pulumi config set --secret --path source.administrator.password`"
    ]


def test_the_environment_wins_over_a_configured_password() -> None:
    configured = {**SOURCE, "application": {"name": "waqiti_app", "password": "configured"}}
    settings = read({"source": configured})
    assert settings.source.application.password.get_secret_value() == "application's"


def test_a_services_password_comes_from_the_catalogues_variable() -> None:
    settings = read(
        {"servicePasswords": {"user": "configured", "wallet": "configured"}},
        environment={**ENVIRONMENT, "USER_DB_PASSWORD": "exported"},
    )
    given = {name: secret.get_secret_value() for name, secret in settings.service_passwords.items()}
    assert given == {"user": "exported", "wallet": "configured"}


def test_passwords_are_not_shown_when_settings_are_printed() -> None:
    assert "administrator's" not in repr(read())


def test_a_wrong_password_value_is_not_quoted() -> None:
    wrong = {**SOURCE, "application": {"name": "waqiti_app", "password": ["hunter2"]}}
    problems = problems_of({"source": wrong}, environment={"SOURCE_DB_ADMIN_PASSWORD": "x"})
    assert not any("hunter2" in problem for problem in problems)


def test_a_service_not_in_the_catalogue_is_named_with_the_one_meant() -> None:
    assert problems_of({"services": ["user", "walet"]}) == [
        "waqiti:services: walet is not in services.yaml; did you mean `wallet`?"
    ]


def test_a_stack_of_no_services_is_refused() -> None:
    assert problems_of({"services": []}) == [
        "waqiti:services: no service; name at least one, or remove the key for all"
    ]


def test_an_instance_at_another_services_endpoint_is_refused() -> None:
    problems = problems_of({"instancePortOffset": 1})
    assert problems[0] == (
        "waqiti:portOffset: payment's endpoint would listen at 5434, which is user's instance's port; "
        "choose another"
    )


def test_an_endpoint_at_the_shared_databases_port_is_refused() -> None:
    (problem,) = problems_of({"source": {**SOURCE, "port": 5436}})
    assert "ledger's endpoint would listen at 5436, which is the shared database's port" in problem


def test_a_port_past_the_last_one_is_refused() -> None:
    problems = problems_of({"portOffset": 60000, "services": ["user"]})
    assert problems == [
        "waqiti:instancePortOffset: user's instance would listen at 75433, past 65535; lower it",
    ]


def test_more_memory_than_the_host_has_is_told_with_the_scale_that_fits() -> None:
    (problem,) = problems_of({"scale": 1}, memory=8 * GB)
    assert problem == (
        "waqiti:scale: at 1 the services take 13.5 GB of memory, and this host has 8.0 GB; "
        "set it to 0.53 or less"
    )


def test_the_scale_that_was_advised_fits() -> None:
    assert read({"scale": "0.53"}, memory=8 * GB).scale == 0.53


def test_another_machines_memory_is_not_this_hosts() -> None:
    assert read({"platform": "docker"}, memory=1 * GB).platform == "docker"


def test_a_relative_certificate_starts_at_the_state_folder(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").touch()
    settings = read({"source": {**SOURCE, "sslrootcert": "ca.crt"}}, state=tmp_path, preview=False)
    assert settings.source_endpoint.sslrootcert == str(tmp_path / "ca.crt")


def test_a_missing_certificate_stops_an_update(tmp_path: Path) -> None:
    (problem,) = problems_of({"source": {**SOURCE, "sslrootcert": "ca.crt"}}, state=tmp_path, preview=False)
    assert problem.startswith(f"waqiti:source.sslrootcert: {tmp_path}/ca.crt is no file")


def test_a_missing_certificate_does_not_stop_a_preview(tmp_path: Path) -> None:
    read({"source": {**SOURCE, "sslrootcert": "ca.crt"}}, state=tmp_path, preview=True)


def test_all_problems_are_told_at_once() -> None:
    problems = problems_of({"portOfset": 1, "platform": "cloud", "scale": -1, "postgresVersion": 9})
    assert len(problems) == 4
