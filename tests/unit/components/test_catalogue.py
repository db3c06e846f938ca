"""The catalogue: what services.yaml says, and what it may not say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.catalogue.model import Catalogue
from components.catalogue.read import read_catalogue
from components.problems import ConfigurationError
from components.sizes import format_size, parse_size
from tests.support.places import REPOSITORY

pytestmark = pytest.mark.unit


@pytest.fixture
def catalogue() -> Catalogue:
    return read_catalogue(REPOSITORY / "services.yaml")


def content() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((REPOSITORY / "services.yaml").read_text(encoding="utf-8"))
    return loaded


def problems_of(tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> list[str]:
    """What `read_catalogue` says of the real catalogue after `change` of its services."""
    changed = content()
    change(changed["services"])
    file = tmp_path / "services.yaml"
    file.write_text(yaml.safe_dump(changed, sort_keys=False), encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        read_catalogue(file)
    return [str(problem) for problem in raised.value.problems]


FACTS = {
    # service: port, database, connections, pool (where the plan gives them)
    "user": (5433, "waqiti_users", 100, (20, 5)),
    "payment": (5434, "waqiti_payments", 200, (50, 10)),
    "wallet": (5435, "waqiti_wallets", 150, (40, 8)),
    "ledger": (5436, "waqiti_ledger", None, None),
    "compliance": (5437, "waqiti_compliance", None, None),
    "analytics": (5438, "waqiti_analytics", None, None),
    "security": (5439, "waqiti_security", None, None),
    "notification": (5440, "waqiti_notifications", None, None),
}


@pytest.mark.parametrize("name", FACTS)
def test_each_service_is_what_the_plan_says(catalogue: Catalogue, name: str) -> None:
    port, database, connections, pool = FACTS[name]
    entry = catalogue.services[name]
    assert (entry.schema_name, entry.database) == (f"{name}_schema", database)
    assert (entry.endpoint.host, entry.endpoint.port) == (f"postgres-{name}", port)
    assert (entry.role, entry.password_variable) == (
        f"waqiti_{name}_service",
        f"{name.upper()}_DB_PASSWORD",
    )
    if connections is not None:
        assert entry.resources.max_connections == connections
        assert (entry.pool.maximum, entry.pool.idle) == pool


def test_there_are_eight_services(catalogue: Catalogue) -> None:
    assert list(catalogue.services) == list(FACTS)


def test_the_digest_does_not_depend_on_how_the_file_is_written(catalogue: Catalogue, tmp_path: Path) -> None:
    rewritten = tmp_path / "services.yaml"
    rewritten.write_text(yaml.safe_dump(content(), default_flow_style=True), encoding="utf-8")
    assert read_catalogue(rewritten).digest == catalogue.digest


def test_the_digest_changes_with_what_the_file_says(catalogue: Catalogue, tmp_path: Path) -> None:
    changed = content()
    changed["services"]["user"]["pool"]["idle"] = 4
    rewritten = tmp_path / "services.yaml"
    rewritten.write_text(yaml.safe_dump(changed, sort_keys=False), encoding="utf-8")
    assert read_catalogue(rewritten).digest != catalogue.digest


def test_an_unknown_key_is_named_with_the_key_that_was_meant(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, lambda services: services["user"].update(shema="x"))
    assert problems == ["services.yaml: services.user.shema: no such key; did you mean `schema`?"]


def test_an_unknown_key_deep_down_is_compared_with_its_neighbours(tmp_path: Path) -> None:
    problems = problems_of(
        tmp_path, lambda services: services["user"]["resources"].update(sharedBufers="1GB")
    )
    assert problems == [
        "services.yaml: services.user.resources.sharedBufers: no such key; did you mean `sharedBuffers`?"
    ]


def test_two_services_at_one_port_are_both_named(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, lambda services: services["payment"]["endpoint"].update(port=5433))
    assert problems == [
        "services.yaml: services.payment.endpoint.port: 5433 is also user's; give each service its own"
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [("database", "waqiti_users"), ("schema", "user_schema"), ("passwordVariable", "USER_DB_PASSWORD")],
)
def test_what_is_one_services_cannot_be_anothers(tmp_path: Path, key: str, value: str) -> None:
    problems = problems_of(tmp_path, lambda services: services["wallet"].update({key: value}))
    assert problems == [
        f"services.yaml: services.wallet.{key}: {value} is also user's; give each service its own"
    ]


@pytest.mark.parametrize(
    ("service", "name", "message"),
    [
        ("user", "user_schema", "user_schema is its `schema` already; leave it out, or choose another"),
        ("user", "wallet_schema", "wallet_schema is also wallet's; give each service its own"),
        ("user", "waqiti_migration", "waqiti_migration is reserved by PostgreSQL or a tool around it"),
    ],
)
def test_a_schemas_new_name_is_no_name_of_anything_else(
    tmp_path: Path, service: str, name: str, message: str
) -> None:
    problems = problems_of(tmp_path, lambda services: services[service].update(ownSchema=name))
    assert len(problems) == 1
    assert problems[0].startswith(f"services.yaml: services.{service}.ownSchema: {message}")


def test_two_services_cannot_take_one_new_name(tmp_path: Path) -> None:
    def both(services: dict[str, dict[str, object]]) -> None:
        for name in ("user", "wallet"):
            services[name].update(ownSchema="own")

    problems = problems_of(tmp_path, both)
    assert problems == [
        "services.yaml: services.wallet.ownSchema: own is also user's; give each service its own"
    ]


def test_a_role_that_stands_for_another_services_owner_is_refused(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, lambda services: services["wallet"].update(role="waqiti_user_owner"))
    assert len(problems) == 1
    assert "services.wallet.role: waqiti_user_owner is also user's" in problems[0]


@pytest.mark.parametrize(
    ("reads", "message"),
    [
        (["walet"], "walet is not in this file; did you mean `wallet`?"),
        (["user"], "user is the service itself; remove it"),
        (["wallet", "wallet"], "wallet stands there twice; remove one"),
    ],
)
def test_a_service_reads_others_of_the_catalogue_each_once(
    tmp_path: Path, reads: list[str], message: str
) -> None:
    problems = problems_of(tmp_path, lambda services: services["user"].update(reads=reads))
    assert problems == [f"services.yaml: services.user.reads: {message}"]


@pytest.mark.parametrize(
    "name", ["postgres", "template1", "pg_payments", "public", "information_schema", "pgbouncer"]
)
@pytest.mark.parametrize("key", ["database", "schema", "ownSchema", "role"])
def test_reserved_names_are_refused(tmp_path: Path, key: str, name: str) -> None:
    problems = problems_of(tmp_path, lambda services: services["user"].update({key: name}))
    assert len(problems) == 1
    assert problems[0].startswith(f"services.yaml: services.user.{key}: {name} is reserved")


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ("256M", "256M: 'M' is no unit of PostgreSQL; write 256MB"),
        ("1gb", "1gb: 'gb' is no unit of PostgreSQL; write 1GB"),
        ("a lot", "a lot: not a size; write a number and a unit, for example 256MB"),
        ("256", "256: no unit; write one of kB, MB, GB, TB after the number"),
        ("0MB", "0MB: not a whole number of kB; write it in a smaller unit"),
    ],
)
def test_a_bad_size_is_shown_with_a_good_one(tmp_path: Path, size: str, message: str) -> None:
    problems = problems_of(tmp_path, lambda services: services["ledger"]["resources"].update(memory=size))
    assert problems == [f"services.yaml: services.ledger.resources.memory: {message}"]


def test_more_buffers_than_the_manual_advises_are_refused(tmp_path: Path) -> None:
    problems = problems_of(
        tmp_path, lambda services: services["user"]["resources"].update(sharedBuffers="512MB")
    )
    assert len(problems) == 1
    assert "more than 40% of memory" in problems[0]


def test_a_pool_that_leaves_no_connection_for_operations_is_refused(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, lambda services: services["user"]["pool"].update(maximum=90))
    assert len(problems) == 1
    assert "services.user.pool.maximum: 90 leaves less than 20 of 100 connections" in problems[0]


def test_a_parameter_that_the_program_decides_is_refused(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, lambda services: services["user"].update(parameters={"ssl": False}))
    assert problems == [
        "services.yaml: services.user.parameters.ssl: is decided by the program; "
        "remove it (memory and connections are under `resources`)"
    ]


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    def spoil(services: dict[str, Any]) -> None:
        services["payment"]["endpoint"]["port"] = 5433
        services["wallet"]["database"] = "postgres"
        services["ledger"]["pool"]["idle"] = 400

    assert len(problems_of(tmp_path, spoil)) == 3


def test_a_missing_file_is_one_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml: no such file"):
        read_catalogue(tmp_path / "nowhere.yaml")


def test_a_file_that_is_not_yaml_is_one_problem(tmp_path: Path) -> None:
    file = tmp_path / "services.yaml"
    file.write_text("services: [", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="not YAML") as raised:
        read_catalogue(file)
    assert "\n" not in str(raised.value)


def test_a_service_that_stands_there_twice_is_named(tmp_path: Path) -> None:
    file = tmp_path / "services.yaml"
    file.write_text("services:\n  user: {}\n  user: {}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"'user' stands there twice.* line 3"):
        read_catalogue(file)


@pytest.mark.parametrize("text", ["4MB", "1GB", "1536MB", "64kB", "2TB"])
def test_a_size_reads_back_as_it_was_written(text: str) -> None:
    assert format_size(parse_size(text)) == text


def test_a_fraction_of_a_gigabyte_is_whole_megabytes() -> None:
    assert format_size(parse_size("1.5GB")) == "1536MB"
