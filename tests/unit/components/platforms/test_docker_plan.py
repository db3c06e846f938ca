"""Where a stack's containers are: names, addresses, limits, and what cannot be deployed."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.catalogue.model import Catalogue
from components.catalogue.read import read_catalogue
from components.platforms.docker.plan import problems, processes, stack_plan
from components.settings.model import Settings
from components.sizes import GB, MB
from tests.support.places import REPOSITORY

pytestmark = pytest.mark.unit

CATALOGUE = REPOSITORY / "services.yaml"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue(CATALOGUE)


def settings(**changes: Any) -> Settings:
    login = {"name": "somebody", "password": "of-nothing"}
    source = {"host": "postgres-shared", "administrator": login, "application": login}
    return Settings.model_validate({"platform": "docker", "source": source, **changes})


def test_every_address_of_a_stack_is_another(catalogue: Catalogue) -> None:
    plan = stack_plan(settings(), catalogue, "waqiti", "staging")
    addresses = [
        address
        for one in plan.services.values()
        for address in (
            one.host,
            one.instance_address,
            one.gateway_address,
            one.gateway_for_applications,
            str(one.applications[1]),
            one.instance_for_archive,
            one.archive_address,
        )
    ]
    assert len(set(addresses) | {plan.link_host}) == 7 * 8 + 1


def test_networks_of_a_stack_do_not_overlap(catalogue: Catalogue) -> None:
    plan = stack_plan(settings(), catalogue, "waqiti", "staging")
    networks = list(plan.networks.values())
    assert len(networks) == 1 + 3 * 8
    assert not any(
        one.overlaps(other) for index, one in enumerate(networks) for other in networks[index + 1 :]
    )


@given(st.integers(1, 65535))
def test_an_archives_network_overlaps_no_other_for_any_port(port: int) -> None:
    entry = read_catalogue(CATALOGUE).services["user"]
    moved = entry.model_copy(update={"endpoint": entry.endpoint.model_copy(update={"port": port})})
    catalogue = Catalogue(services={"user": moved})
    plan = stack_plan(settings(), catalogue, "waqiti", "staging")
    base = ipaddress.IPv4Network(settings().docker.subnet)
    others = [net for name, net in plan.networks.items() if not name.endswith("-archive")]
    archiving = plan.services["user"].archiving
    assert archiving.subnet_of(base)
    assert not any(archiving.overlaps(one) for one in others)


def test_a_service_keeps_its_addresses_when_others_go(catalogue: Catalogue) -> None:
    all_of_them = stack_plan(settings(), catalogue, "waqiti", "staging")
    alone = stack_plan(settings(services=["wallet"]), catalogue, "waqiti", "staging")
    assert alone.services["wallet"] == all_of_them.services["wallet"]


def test_limits_follow_the_catalogue_the_scale_and_a_floor(catalogue: Catalogue) -> None:
    plan = stack_plan(settings(scale="0.5"), catalogue, "waqiti", "staging")
    assert (plan.services["analytics"].memory, plan.services["user"].memory) == (2 * GB, 512 * MB)
    tiny = stack_plan(settings(scale="0.01"), catalogue, "waqiti", "staging")
    assert tiny.services["user"].memory == 256 * MB


def test_no_instance_gets_all_processors_of_the_host(catalogue: Catalogue) -> None:
    user = stack_plan(settings(), catalogue, "waqiti", "staging").services["user"]
    assert [user.cpu_limit(processors) for processors in (1, 2, 64)] == [0.75, 1.5, 2.0]


def test_an_instance_may_have_the_processes_that_its_parameters_need() -> None:
    parameters = {"max_connections": "100", "max_worker_processes": "16", "max_wal_senders": "10"}
    assert processes(parameters) == 190


@pytest.mark.parametrize(
    ("changes", "memory", "key"),
    [
        ({"docker": {"subnet": "172.30.0.0/24"}}, 64 * GB, "docker.subnet"),
        ({"docker": {"subnet": "8.8.0.0/16"}}, 64 * GB, "docker.subnet"),
        ({"docker": {"subnet": "home"}}, 64 * GB, "docker.subnet"),
        ({}, 8 * GB, "scale"),
    ],
)
def test_what_cannot_be_deployed_is_named(
    catalogue: Catalogue, changes: dict[str, Any], memory: int, key: str
) -> None:
    assert [problem.key for problem in problems(settings(**changes), catalogue, memory)] == [key]


def test_the_plan_fits_where_it_fits(catalogue: Catalogue) -> None:
    assert problems(settings(), catalogue, 64 * GB) == []


def test_two_services_at_the_same_block_are_named(catalogue: Catalogue) -> None:
    payment = catalogue.services["payment"]
    moved = payment.model_copy(update={"endpoint": payment.endpoint.model_copy(update={"port": 5433 + 239})})
    services = {**catalogue.services, "payment": moved}
    said = problems(settings(), catalogue.model_copy(update={"services": services}), 64 * GB)
    assert [problem.key for problem in said] == ["services.yaml: payment"]
