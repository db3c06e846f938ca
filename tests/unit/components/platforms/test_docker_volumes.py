"""Where instances' data is: the settings of volumes, what they refuse, what of a volume does not change."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import ValidationError

from components.catalogue.model import Catalogue
from components.catalogue.read import read_catalogue
from components.platforms.docker.checks import check_disks, check_volumes
from components.platforms.docker.plan import problems, stack_plan
from components.problems import ConfigurationError
from components.settings.docker import VolumeSettings
from components.settings.model import Settings
from components.sizes import GB
from components.tuning.tune import tune
from servers.docker_engine import Engine
from tests.support.places import REPOSITORY

pytestmark = pytest.mark.unit

CATALOGUE: Catalogue = read_catalogue(REPOSITORY / "services.yaml")
DISKS = {"options": {"type": "ext4", "device": "/dev/waqiti/{service}"}, "size": "40GB"}


def settings(**docker: Any) -> Settings:
    login = {"name": "somebody", "password": "of-nothing"}
    source = {"host": "postgres-shared", "administrator": login, "application": login}
    return Settings.model_validate({"platform": "docker", "source": source, "docker": docker})


def test_a_service_takes_its_own_volume_before_the_common_one() -> None:
    docker = settings(volume=DISKS, volumes={"user": {"driver": "quota"}}).docker
    assert docker.volume_of("user").driver == "quota"
    assert docker.volume_of("wallet").of("wallet")["device"] == "/dev/waqiti/wallet"


def test_a_size_without_a_device_is_handed_to_the_driver() -> None:
    assert VolumeSettings.model_validate({"size": "1GB"}).of("user") == {"size": "1048576k"}


@pytest.mark.parametrize(
    ("volume", "said"),
    [
        ({"size": "1MB"}, "too small"),
        ({"options": {"type": "ext4"}}, "type and device go together"),
        ({"options": {"size": "1g"}}, "set `size` beside `options`"),
        ({"options": {"type": "tmpfs", "device": "tmpfs"}}, "forgets its data"),
        ({"options": {"type": "ext4", "device": "/dev/{servce}"}}, "stands for nothing"),
    ],
)
def test_a_volume_that_cannot_be_is_refused_with_a_fix(volume: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        VolumeSettings.model_validate(volume)


def test_a_disk_of_two_services_and_a_volume_of_none_are_named() -> None:
    shared = {"options": {"type": "ext4", "device": "/dev/one"}}
    found = problems(
        settings(volumes={"user": shared, "wallet": shared, "walet": shared}), CATALOGUE, 64 * GB
    )
    assert [one.key for one in found] == ["docker.volumes", "docker.volumes.wallet.options.device"]


def test_a_volume_that_is_there_with_other_options_is_refused() -> None:
    class WithoutDisks:
        def volume(self, name: str) -> dict[str, Any]:
            return {"Driver": "local", "Options": None, "Labels": {"waqiti.stack": "waqiti-staging"}}

    before, after = settings(), settings(volumes={"user": DISKS})
    plan, engine = stack_plan(before, CATALOGUE, "waqiti", "staging"), cast("Engine", WithoutDisks())
    assert check_volumes(engine, plan, before.docker) == []
    assert [one.key for one in check_volumes(engine, plan, after.docker)] == ["docker.volumes.user"]


def test_disks_that_are_not_there_are_named_before_anything_is_made(tmp_path: Path) -> None:
    missing = {"options": {"type": "ext4", "device": str(tmp_path / "none")}}
    not_mounted = {"options": {"type": "none", "o": "bind", "device": str(tmp_path)}}
    some = settings(volumes={"user": missing, "wallet": not_mounted})
    said = [one.what for one in check_disks(stack_plan(some, CATALOGUE, "waqiti", "staging"), some.docker)]
    assert said == [f"{tmp_path}/none is no block device of this host", f"{tmp_path} is no mount point"]


def test_a_disk_bounds_wal_slots_and_temporary_files() -> None:
    tuned = tune(CATALOGUE.services["ledger"], version=17, disk=8 * GB)
    bounds = {name: tuned[name] for name in ("max_wal_size", "max_slot_wal_keep_size", "temp_file_limit")}
    assert bounds == {"max_wal_size": "1GB", "max_slot_wal_keep_size": "2GB", "temp_file_limit": "1GB"}


def test_a_disk_too_small_for_the_wal_that_the_catalogue_gives_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="size of 8GB or more"):
        tune(CATALOGUE.services["payment"], version=17, disk=4 * GB)
