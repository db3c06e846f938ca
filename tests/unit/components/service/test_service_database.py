"""ServiceDatabase: what is asked of engine and platform. Shape only; behaviour is tested for real."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pulumi
import pytest

from components.catalogue.read import read_catalogue
from components.contract import Endpoint
from components.platforms.interface import GatewayArgs, InstanceArgs, NetworkArgs, SourceRoute
from components.replication_roles import flow_name, following_role, reading_role
from components.service.database import ServiceDatabase, ServiceDatabaseArgs
from components.service.turns import SECOND, Turns
from components.tuning.tune import tune
from tests.support.places import REPOSITORY
from tests.unit.recording import Part, RecordingPlatform, Registered, record

pytestmark = pytest.mark.unit

ENTRY = read_catalogue(REPOSITORY / "services.yaml").services["user"]
SECRET = "a password that was given"


def arguments(platform: RecordingPlatform, **changes: Any) -> ServiceDatabaseArgs:
    source = Endpoint(host="postgres-shared", address="127.0.0.1", port=5432, database="waqiti")
    args = ServiceDatabaseArgs(
        entry=ENTRY,
        platform=platform,
        version=17,
        parameters=tune(ENTRY, version=17),
        endpoint_port=5433,
        instance_port=15433,
        source=SourceRoute(source, "waqiti_app", "application's", "postgres", "administrator's"),
    )
    return replace(args, **changes)


def deploy(**changes: Any) -> tuple[RecordingPlatform, list[Registered]]:
    platform = RecordingPlatform()
    return platform, record(lambda: _make(platform, changes))


def _make(platform: RecordingPlatform, changes: dict[str, Any]) -> None:
    ServiceDatabase("user", arguments(platform, **changes))


def asked(platform: RecordingPlatform) -> tuple[NetworkArgs, InstanceArgs, GatewayArgs]:
    network, instance, gateway = platform.asked
    assert isinstance(network, NetworkArgs)
    assert isinstance(instance, InstanceArgs)
    assert isinstance(gateway, GatewayArgs)
    return network, instance, gateway


def test_a_service_gets_a_network_an_instance_and_a_gateway() -> None:
    platform, _ = deploy()
    network, instance, gateway = asked(platform)
    assert network.host == instance.host == gateway.host == "postgres-user"
    assert (instance.port, gateway.port) == (15433, 5433)
    assert instance.database == gateway.database == "waqiti_users"


def test_only_this_services_roles_are_let_into_its_instance() -> None:
    platform, _ = deploy()
    _, instance, _ = asked(platform)
    assert set(instance.roles) | set(instance.replication_roles) == {
        "waqiti_user_service",
        "waqiti_user_migration",
        "waqiti_user_monitoring",
        "waqiti_user_backup",
        "waqiti_user_back",
        "waqiti_user_ddl",
    }
    assert set(instance.replication_roles) == {"waqiti_user_migration", "waqiti_user_backup"}


@pytest.mark.parametrize("service", ["user", "Odd-Name", "a_b9"])
def test_the_role_that_follows_is_called_as_the_migration_calls_it(service: str) -> None:
    assert following_role(service) == flow_name(service, "back")


def test_a_service_that_is_read_has_one_role_for_each_reader() -> None:
    platform, registered = deploy(readers=("analytics", "odd-name"))
    roles = ("waqiti_reads_analytics_of_user", "waqiti_reads_odd_name_of_user")
    _, instance, _ = asked(platform)
    assert instance.reading_roles == roles
    assert not set(roles) & {*instance.roles, *instance.replication_roles}
    made = {one.inputs["name"]: one for one in registered if one.type.endswith(":Role")}
    for role in roles:
        assert "password" not in made[role].inputs
        assert made[role].ignored == ("password",)
    assert set(roles) <= set(made["waqiti_user_migration"].inputs["roles"])


def test_a_readers_instance_is_let_through_to_the_other_services_network() -> None:
    platform = RecordingPlatform()

    def program() -> None:
        user = ServiceDatabase("user", arguments(platform, readers=("wallet",)))
        wallet = ServiceDatabase("wallet", arguments(platform))
        wallet.let_read(user)
        assert platform.through == [("wallet-reads-user", wallet.instance, user.network)]

    record(program)


def test_what_is_made_in_the_shared_database_waits_for_the_way_there() -> None:
    platform = RecordingPlatform()

    def program() -> None:
        platform.way = Part("Network", "link", pulumi.ResourceOptions())
        _make(platform, {"own_login": True})

    waits = {one.name for one in record(program) if "link" in one.dependencies}
    assert waits == {"user-shared-login", "user-shared-ddl"}


def test_the_name_of_a_reading_role_fits_and_is_one_pairs_alone() -> None:
    long = "a" * 30
    names = {reading_role(long, "b" * 30), reading_role(long, "b" * 29), reading_role("b" * 30, long)}
    assert len(names) == 3
    assert all(len(name) <= 63 for name in names)


def test_the_component_has_the_projects_token() -> None:
    _, registered = deploy()
    assert registered[0].type == "waqiti:database:ServiceDatabase"


def test_children_are_named_after_their_parent_and_parented() -> None:
    _, registered = deploy()
    for child in registered[1:]:
        assert child.name.startswith(f"{child.parent}-"), f"{child.name} is a child of {child.parent}"


def test_no_two_resources_have_one_name() -> None:
    _, registered = deploy()
    names = [one.name for one in registered]
    assert len(names) == len(set(names))


def test_what_holds_data_is_protected_and_retained_by_default() -> None:
    _, registered = deploy()
    kept = {one.name for one in registered if one.protect and one.retain_on_delete}
    assert kept == {"user-instance", "user-roles-database", "user-roles-schema"}


def test_a_stack_can_give_its_data_up() -> None:
    platform, registered = deploy(protect_data=False, keep_data=False)
    assert not any(one.protect or one.retain_on_delete for one in registered)
    assert not asked(platform)[1].keep_data


def test_all_that_lives_in_an_instance_goes_with_it() -> None:
    _, registered = deploy()
    inside = [one for one in registered if "postgresql" in one.type or "RoleSettings" in one.type]
    assert inside, "roles are made with pulumi-postgresql"
    assert {one.deleted_with for one in inside} == {"user-instance"}


def test_nothing_is_said_to_an_instance_before_it_is_there() -> None:
    _, registered = deploy()
    (provider,) = [one for one in registered if one.type == "pulumi:providers:postgresql"]
    assert "user-instance" in provider.dependencies


def test_a_password_is_drawn_for_each_role_and_for_the_console() -> None:
    _, registered = deploy()
    drawn = {one.name for one in registered if "GeneratedSecret" in one.type}
    assert drawn == {
        f"user-{whose}-password"
        for whose in ("service", "ddl", "migration", "monitoring", "backup", "administrator", "gateway")
    }


def test_no_password_is_drawn_for_the_service_when_one_is_given() -> None:
    _, registered = deploy(service_password=SECRET)
    assert "user-service-password" not in {one.name for one in registered}


def test_a_new_rotation_draws_every_password_anew() -> None:
    _, registered = deploy(password_rotation="2026-12")
    rotations = {one.inputs["rotation"] for one in registered if "GeneratedSecret" in one.type}
    assert rotations == {"2026-12"}


def test_a_given_password_reaches_the_engine_as_a_secret_only() -> None:
    _, registered = deploy(service_password=SECRET)
    for one in registered:
        for key, value in one.inputs.items():
            assert value != SECRET, f"{one.name}.{key} is in clear"


def test_the_arguments_cannot_be_changed_once_made() -> None:
    args = arguments(RecordingPlatform())
    with pytest.raises(FrozenInstanceError):
        args.protect_data = False  # type: ignore[misc]


def test_the_endpoint_is_known_without_an_instance() -> None:
    def program() -> None:
        database = ServiceDatabase("user", arguments(RecordingPlatform()))
        assert not isinstance(database.endpoint.port, pulumi.Output)
        assert re.fullmatch(r"postgres-user:5433", f"{database.endpoint.host}:{database.endpoint.port}")

    record(program)


@pytest.mark.parametrize("turns", [Turns(1, changing=True), Turns(1), Turns(2, changing=True), Turns(2)])
def test_a_rotated_service_has_two_sets_of_logins_and_one_role_of_rights(turns: Turns) -> None:
    platform, registered = deploy(turns=turns, own_login=True)
    _, instance, gateway = asked(platform)
    suffix = "_b" if turns.current == SECOND else ""
    assert (gateway.service_role, gateway.ddl_role) == (
        f"waqiti_user_service{suffix}",
        f"waqiti_user_ddl{suffix}",
    )
    other = "" if suffix else "_b"
    valid = [f"waqiti_user_service{other}", f"waqiti_user_ddl{other}"] if turns.changing else []
    assert [one.role for one in gateway.others] == valid
    assert gateway.source.role == f"waqiti_user_shared{suffix}_waqiti"
    assert {"waqiti_user_service", "waqiti_user_service_b", "waqiti_user_ddl_b"} <= set(instance.roles)
    roles = {one.inputs["name"]: one for one in registered if one.type == "postgresql:index/role:Role"}
    acting = roles["waqiti_user_service_b"].inputs
    assert (acting["roles"], acting["assumeRole"]) == (["waqiti_user_service"], "waqiti_user_service")
    may = {name for name in ("waqiti_user_service", "waqiti_user_service_b") if roles[name].inputs["login"]}
    assert may == {gateway.service_role, *(name for name in valid if "service" in name)}
    granted = [one.inputs["role"] for one in registered if one.type == "postgresql:index/grant:Grant"]
    assert not any(str(role).endswith("_b") for role in granted)


def test_a_service_that_was_never_rotated_has_what_it_had() -> None:
    _, registered = deploy(own_login=True)
    assert not [one.name for one in registered if one.name.endswith(("-b", "-b-settings"))]
    secrets = {one.inputs["rotation"] for one in registered if one.type.endswith("GeneratedSecret")}
    assert secrets == {"1"}
