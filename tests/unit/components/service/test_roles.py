"""Roles and privileges: what is declared of each. What they can and cannot do is tested on real servers."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from components.contract import Endpoint
from components.service.role_args import RolesArgs
from components.service.roles import MIGRATION_MAY_SET, Roles
from tests.unit.recording import Registered, record

pytestmark = pytest.mark.unit

ARGS = RolesArgs(
    endpoint=Endpoint(host="postgres-user", address="127.0.0.1", port=15433, database="waqiti_users"),
    version=17,
    administrator="postgres",
    administrator_password="administrator's",
    schema_name="user_schema",
    owner="waqiti_user_owner",
    service="waqiti_user_service",
    service_password="service's",
    migration="waqiti_user_migration",
    migration_password="migration's",
    following="waqiti_user_back",
    monitoring="waqiti_user_monitoring",
    monitoring_password="monitoring's",
    backup="waqiti_user_backup",
    backup_password="backup's",
    ddl="waqiti_user_ddl",
    ddl_password="ddl's",
    extensions=("citext",),
)


@pytest.fixture(scope="module")
def declared() -> dict[str, Registered]:
    def program() -> None:
        Roles("user-roles", ARGS)

    return {one.name.removeprefix("user-roles-"): one for one in record(program)}


def test_no_role_is_a_superuser_or_makes_roles_or_databases(declared: dict[str, Registered]) -> None:
    for one in declared.values():
        if one.type == "postgresql:index/role:Role":
            for right in ("superuser", "createRole", "createDatabase"):
                assert not one.inputs.get(right), f"{one.name} has {right}"


def test_the_owner_cannot_log_in(declared: dict[str, Registered]) -> None:
    assert declared["owner"].inputs["login"] is False
    assert "password" not in declared["owner"].inputs


def test_only_migration_following_and_backup_replicate(declared: dict[str, Registered]) -> None:
    assert {name for name, one in declared.items() if one.inputs.get("replication")} == {
        "migration",
        "following",
        "backup",
    }


def test_following_can_do_nothing_else_and_has_no_password_of_the_stacks(
    declared: dict[str, Registered],
) -> None:
    following = declared["following"].inputs
    assert "password" not in following
    assert "roles" not in following
    assert "waqiti_user_back" in declared["migration"].inputs["roles"]
    assert not [one for one in declared.values() if one.inputs.get("role") == "waqiti_user_back"]


def test_policies_spare_the_services_role_only_where_the_catalogue_says(
    declared: dict[str, Registered],
) -> None:
    def program() -> None:
        Roles("user-roles", replace(ARGS, bypass_row_security=True))

    above = {one.name: one for one in record(program)}["user-roles-service"]
    assert above.inputs["bypassRowLevelSecurity"] is True
    assert "bypassRowLevelSecurity" not in declared["service"].inputs


def test_schema_migrations_act_as_the_owner_and_as_nobody_else(declared: dict[str, Registered]) -> None:
    ddl = declared["ddl"].inputs
    assert (ddl["login"], ddl["roles"], ddl["searchPaths"]) == (
        True,
        ["waqiti_user_owner"],
        ["user_schema", "public"],
    )
    assert not [right for right in ("superuser", "replication", "bypassRowLevelSecurity") if ddl.get(right)]
    settings = declared["ddl-settings"].inputs
    assert ddl["assumeRole"] == "waqiti_user_owner"
    assert "lock_timeout" not in settings["settings"]
    assert settings["may_set"] == []


def test_the_service_belongs_to_no_other_role(declared: dict[str, Registered]) -> None:
    assert "roles" not in declared["service"].inputs


def test_no_locale_replaces_a_database_and_it_has_one_before_content(
    declared: dict[str, Registered],
) -> None:
    assert declared["database"].ignored == ("lcCollate", "lcCtype")
    assert declared["locale"].inputs["locale"] == {"provider": "libc", "collate": "C", "ctype": "C"}
    for name in ("schema", "extension-citext", "extension-pg_stat_statements"):
        assert "user-roles-locale" in declared[name].dependencies, name


def test_extensions_are_made_one_after_the_other_with_what_they_need(declared: dict[str, Registered]) -> None:
    assert "user-roles-extension-pg_stat_statements" in declared["extension-citext"].dependencies
    assert declared["extension-citext"].inputs["createCascade"] is True
    assert declared["extension-citext"].ignored == ("createCascade",)


def test_the_services_search_path_is_its_schema_and_public(declared: dict[str, Registered]) -> None:
    assert declared["service"].inputs["searchPaths"] == ["user_schema", "public"]


def test_a_schema_to_be_renamed_is_declared_new_and_found_by_both_names() -> None:
    def program() -> None:
        Roles("user-roles", replace(ARGS, own_schema="accounts"))

    found = {one.name.removeprefix("user-roles-"): one for one in record(program)}
    assert found["service"].inputs["searchPaths"] == ["accounts", "user_schema", "public"]
    assert found["schema"].inputs["name"] == "accounts"
    assert found["schema-service"].inputs["schema"] == "accounts"


def test_no_update_renames_a_schema_or_takes_the_services_right_on_it(
    declared: dict[str, Registered],
) -> None:
    assert declared["schema"].ignored == ("name",)
    assert declared["schema-service"].ignored == ("schema",)


def test_public_is_given_nothing(declared: dict[str, Registered]) -> None:
    of_public = [one for one in declared.values() if one.inputs.get("role") == "public"]
    assert {one.name.removeprefix("user-roles-") for one in of_public} == {
        "database-public",
        "public-public",
        "default-function-public",
        "default-type-public",
    }
    assert all(one.inputs["privileges"] == [] for one in of_public)


def test_the_service_is_given_no_right_to_make_anything_that_lasts(declared: dict[str, Registered]) -> None:
    for one in declared.values():
        if one.inputs.get("role") == "waqiti_user_service":
            privileges = set(one.inputs.get("privileges", ()))
            assert not privileges & {"CREATE", "TRUNCATE", "REFERENCES", "TRIGGER", "ALL"}


def test_only_the_service_may_make_temporary_tables(declared: dict[str, Registered]) -> None:
    may = {one.inputs["role"] for one in declared.values() if "TEMPORARY" in one.inputs.get("privileges", ())}
    assert may == {"waqiti_user_service"}


def test_the_owner_owns_database_and_schema(declared: dict[str, Registered]) -> None:
    assert declared["database"].inputs["owner"] == declared["schema"].inputs["owner"] == "waqiti_user_owner"


def test_the_database_is_utf8_with_locale_c(declared: dict[str, Registered]) -> None:
    inputs = declared["database"].inputs
    assert (inputs["encoding"], inputs["lcCollate"], inputs["lcCtype"]) == ("UTF8", "C", "C")


def test_statistics_and_the_services_extensions_are_made_in_public(declared: dict[str, Registered]) -> None:
    extensions = [one for one in declared.values() if one.type.endswith(":Extension")]
    assert {one.inputs["name"] for one in extensions} == {"pg_stat_statements", "citext"}
    assert {one.inputs["schema"] for one in extensions} == {"public"}


@pytest.mark.parametrize("prefix", ["database-", "public-", "default-"])
def test_grants_on_one_object_wait_for_each_other(declared: dict[str, Registered], prefix: str) -> None:
    grants = [one for name, one in declared.items() if name.startswith(prefix) and "privileges" in one.inputs]
    for earlier, later in itertools.pairwise(grants):
        assert earlier.name in later.dependencies, f"{later.name} could conflict with {earlier.name}"


def test_only_migration_may_act_as_a_replica_and_hide_passwords_from_logs(
    declared: dict[str, Registered],
) -> None:
    may = {name: one.inputs["may_set"] for name, one in declared.items() if "may_set" in one.inputs}
    assert may == {
        "migration-settings": sorted(MIGRATION_MAY_SET),
        "monitoring-settings": [],
        "backup-settings": [],
        "ddl-settings": [],
    }


def test_an_instances_limits_do_not_bind_migration_and_backup(declared: dict[str, Registered]) -> None:
    for who in ("migration", "backup"):
        assert declared[f"{who}-settings"].inputs["settings"] == {
            "default_transaction_isolation": "read committed",
            "lock_timeout": "0",
            "temp_file_limit": "-1",
            "statement_timeout": "0",
        }
