"""Dynamic providers stand in Pulumi's state under names that do not move with their modules."""

from __future__ import annotations

import pickle
import pickletools
import pkgutil
from importlib import import_module

import pytest
from pulumi.dynamic import ResourceProvider

import components
from components import provider_names

pytestmark = pytest.mark.unit

NAMES = (
    "database-locale", "docker-gateway", "docker-gateway-files", "docker-instance",
     "docker-instance-files", "docker-link", "kubernetes-instance", "kubernetes-link", "kubernetes-route",
    "generated-secret", "local-gateway", "local-instance", "local-network", "role-settings",
    "ddl-watch", "shared-ddl-role", "business",
)  # fmt: skip
"""A name that is missing here makes stacks that have it impossible to destroy."""


def providers() -> list[type[ResourceProvider]]:
    """Every one of the program's, bases of others left out."""
    for module in pkgutil.walk_packages(components.__path__, "components."):
        import_module(module.name)
    found, waiting = [], [ResourceProvider]
    while waiting:
        kinds = waiting.pop().__subclasses__()
        waiting += kinds
        found += [k for k in kinds if k.__module__.startswith("components.") and not k.__subclasses__()]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_was_given_is_still_known(name: str) -> None:
    assert isinstance(provider_names.provider(name), ResourceProvider)


@pytest.mark.parametrize("kind", providers(), ids=lambda kind: f"{kind.__module__}.{kind.__qualname__}")
def test_a_pickled_provider_names_no_module_that_may_move(kind: type[ResourceProvider]) -> None:
    pickled = pickle.dumps(kind(), protocol=0)
    texts = [str(argument) for _, argument, _ in pickletools.genops(pickled) if argument is not None]
    assert [text for text in texts if text.startswith("components")] == ["components.provider_names provider"]
    assert type(pickle.loads(pickled)) is kind  # noqa: S301 (what was pickled a line above)


@pytest.mark.parametrize(
    "where",
    [
        "generated_secret:_Provider",
        "role_settings:_Provider",
        "platforms.local_network:NetworkProvider",
        "platforms.local_instance:InstanceProvider",
        "platforms.local_gateway:GatewayProvider",
        "platforms.docker_instance:InstanceProvider",
        "platforms.docker_gateway:GatewayProvider",
        "platforms.docker_gateway:GatewayFilesProvider",
        "platforms.docker_link:LinkProvider",
        "platforms.docker_instance_files:FilesProvider",
    ],
)
def test_a_state_of_before_the_names_finds_its_providers(where: str) -> None:
    module, _, kind = where.partition(":")
    assert issubclass(getattr(import_module(f"components.{module}"), kind), ResourceProvider)
