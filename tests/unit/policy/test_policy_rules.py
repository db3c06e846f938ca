"""The policy pack's rules, one by one, with what each refuses and what it lets be."""

from __future__ import annotations

from typing import Any

import pytest

from policy.resources import Resource, Stack
from policy.rules import RULES

pytestmark = pytest.mark.unit

_PARENT = "urn:pulumi:prod::waqiti::waqiti:database:ServiceDatabase::"
_ROLES = "urn:pulumi:prod::waqiti::waqiti:database:ServiceDatabase$waqiti:database:Roles::"
_DYNAMIC = "pulumi-python:dynamic/"


def test_what_holds_data_is_protected_on_every_platform() -> None:
    for kind in (
        f"{_DYNAMIC}local:Instance",
        "docker:index/volume:Volume",
        "postgresql:index/database:Database",
        "postgresql:index/schema:Schema",
    ):
        assert _said("data-is-protected", _of("user", kind, "x"), Stack(platform="docker")), kind
        assert not _said("data-is-protected", _of("user", kind, "x", protect=True), Stack(platform="docker"))


def test_a_service_that_the_stack_names_may_lose_its_data() -> None:
    volume = _of("user", "docker:index/volume:Volume", "user-data")
    assert not _said("data-is-protected", volume, Stack(platform="docker", may_lose=frozenset({"user"})))
    assert _said("data-is-protected", volume, Stack(platform="docker", may_lose=frozenset({"wallet"})))


@pytest.mark.parametrize(("platform", "refused"), [("local", False), ("docker", True), ("kubernetes", True)])
def test_protection_is_off_for_development_only(platform: str, refused: bool) -> None:
    stack = Stack(platform=platform, protect_data=False)
    one = Resource("pulumi:pulumi:Stack", "waqiti-prod", {})
    assert bool(_said("protection-stays-on", one, stack)) is refused


@pytest.mark.parametrize(
    ("kind", "props"),
    [
        (f"{_DYNAMIC}local:Instance", {"parameters": {"ssl": "off"}}),
        (f"{_DYNAMIC}docker:InstanceFiles", {"parameters": {"ssl_min_protocol_version": "TLSv1.1"}}),
        (f"{_DYNAMIC}local:Gateway", {"settings": {"client_tls_sslmode": "allow"}}),
        ("pulumi:providers:postgresql", {"sslmode": "disable"}),
    ],
)
def test_an_instance_or_gateway_without_tls_is_refused(kind: str, props: dict[str, Any]) -> None:
    assert _said("instances-have-tls", _of("user", kind, "x", props))


@pytest.mark.parametrize("props", [{"parameters": {}}, {"parameters": {"ssl": "on"}}])
def test_an_instance_as_the_program_makes_it_has_tls(props: dict[str, Any]) -> None:
    assert not _said("instances-have-tls", _of("user", f"{_DYNAMIC}local:Instance", "x", props))


@pytest.mark.parametrize(
    "second",
    [
        {"database": "waqiti_users", "service_role": "b", "address": "127.0.0.1", "port": 2},
        {"database": "b", "service_role": "waqiti_user_service", "address": "127.0.0.1", "port": 2},
        {"database": "b", "service_role": "b", "address": "127.0.0.1", "port": 1},
    ],
    ids=["database", "role", "port"],
)
def test_a_gateway_that_leads_to_two_services_is_refused(second: dict[str, Any]) -> None:
    stack = Stack()
    first = {
        "database": "waqiti_users",
        "service_role": "waqiti_user_service",
        "address": "127.0.0.1",
        "port": 1,
    }
    kind = f"{_DYNAMIC}local:Gateway"
    assert not _said("a-gateway-has-one-service", _of("user", kind, "user-gateway", first), stack)
    assert not _said("a-gateway-has-one-service", _of("user", kind, "user-gateway", first), stack)
    assert _said("a-gateway-has-one-service", _of("wallet", kind, "wallet-gateway", second), stack)


def test_a_gateway_in_another_services_network_is_refused() -> None:
    stack, kind = Stack(), "docker:index/container:Container"
    own = {"networksAdvanced": [{"name": "waqiti-prod-user"}, {"name": "waqiti-prod-user-inner"}]}
    foreign = {"networksAdvanced": [{"name": "waqiti-prod-user-inner"}]}
    assert not _said("a-gateway-has-one-service", _of("user", kind, "user-gateway-container", own), stack)
    assert _said("a-gateway-has-one-service", _of("wallet", kind, "wallet-gateway-container", foreign), stack)


def test_a_role_stays_within_its_service() -> None:
    stack, role, grant = Stack(), "postgresql:index/role:Role", "postgresql:index/grant:Grant"

    def said(service: str, kind: str, props: dict[str, Any]) -> list[str]:
        return _said(
            "roles-stay-within-their-service", Resource(kind, "x", props, f"{_ROLES}{service}-roles"), stack
        )

    assert not said("user", role, {"name": "user_owner"})
    assert not said("user", role, {"name": "user_migration", "roles": ["user_owner", "pg_monitor"]})
    assert not said("user", grant, {"role": "user_migration", "privileges": ["CONNECT"]})
    assert not said("user", grant, {"role": "public", "privileges": []})
    assert said("wallet", role, {"name": "user_owner"}), "two services, one role"
    assert said("wallet", role, {"name": "wallet_migration", "roles": ["user_owner"]})
    assert said("wallet", grant, {"role": "user_owner", "privileges": ["CONNECT"]})
    assert said("user", grant, {"role": "nobody_declared", "privileges": ["CONNECT"]})
    assert said("user", grant, {"role": "public", "privileges": ["CONNECT"]})
    assert said("user", role, {"name": "user_admin", "superuser": True})


@pytest.mark.parametrize(
    ("kind", "props"),
    [
        ("docker:index/container:Container", {"ports": [{"internal": 5432, "external": 5432}]}),
        ("docker:index/container:Container", {"publishAllPorts": True}),
        ("docker:index/container:Container", {"networkMode": "host"}),
        ("docker:index/network:Network", {"internal": False}),
        (f"{_DYNAMIC}local:Gateway", {"address": "0.0.0.0"}),  # noqa: S104 - what is refused
    ],
)
def test_what_is_reached_from_outside_is_refused(kind: str, props: dict[str, Any]) -> None:
    assert _said("no-port-is-published", _of("user", kind, "x", props))


def test_every_rule_says_what_it_is_for() -> None:
    assert all(rule.description.endswith(".") for rule in RULES.values())


def _of(
    service: str, kind: str, name: str, props: dict[str, Any] | None = None, *, protect: bool = False
) -> Resource:
    return Resource(kind, name, props or {}, f"{_PARENT}{service}", protect)


def _said(rule: str, one: Resource, stack: Stack | None = None) -> list[str]:
    return list(RULES[rule].check(one, stack or Stack()))
