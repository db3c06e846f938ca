"""From what was measured to the catalogue's entry, and into services.yaml with its comments."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from components.catalogue.model import Catalogue
from operations.size.edit import difference, edited
from operations.size.measure import Measured
from operations.size.rules import GB, MB, Proposal, disk_in_half_a_year, proposals
from tests.support.places import REPOSITORY

pytestmark = pytest.mark.unit

FITS = Measured(
    service="user", seconds=7 * 86_400, pool=20, connections_used=12, longest_wait=0.0, sessions=25,
    cache_hits=0.99, wal_per_second=1 * MB, forced_checkpoints=0.0, growth_per_second=0.0, bytes=1 * GB,
    shared_buffers=256 * MB, max_connections=100, max_wal_size=1 * GB, checkpoint_seconds=300,
)  # fmt: skip
SERVICES = REPOSITORY / "services.yaml"


def proposed(**changes: float) -> dict[str, str]:
    return {".".join(one.path): one.proposed for one in proposals(replace(FITS, **changes))}  # type: ignore[arg-type]


def test_what_fits_is_left_as_it_is() -> None:
    assert proposed() == {}


def test_a_pool_whose_clients_wait_grows_and_the_connections_with_it() -> None:
    assert proposed(connections_used=20, longest_wait=4.0, max_connections=60) == {
        "pool.maximum": "30",
        "resources.maxConnections": "70",
    }


def test_a_pool_that_is_hardly_used_shrinks_but_keeps_headroom() -> None:
    assert proposed(connections_used=4, max_connections=70) == {"pool.maximum": "6"}


def test_waits_that_are_no_lack_of_connections_change_nothing() -> None:
    assert proposed(connections_used=3, longest_wait=9.0) == {}


def test_a_cache_that_is_too_small_doubles() -> None:
    assert proposed(cache_hits=0.8) == {"resources.sharedBuffers": "512MB"}
    assert proposed(cache_hits=0.8, bytes=300 * MB) == {"resources.sharedBuffers": "300MB"}
    assert proposed(cache_hits=0.8, bytes=100 * MB) == {}


def test_a_cache_that_holds_all_four_times_over_shrinks() -> None:
    assert proposed(cache_hits=0.999, bytes=30 * MB) == {"resources.sharedBuffers": "60MB"}


def test_forced_checkpoints_ask_for_more_wal() -> None:
    assert proposed(forced_checkpoints=0.6, wal_per_second=4 * MB) == {"parameters.max_wal_size": "3648MB"}
    assert proposed(forced_checkpoints=0.6, wal_per_second=0.1 * MB) == {}


def test_disk_in_half_a_year_is_growth_and_wal() -> None:
    assert disk_in_half_a_year(FITS) == 4 * GB
    assert disk_in_half_a_year(replace(FITS, growth_per_second=GB / 86_400)) == 222 * GB


@pytest.mark.parametrize(
    "path", [("pool", "maximum"), ("resources", "maxConnections"), ("parameters", "max_wal_size")]
)
@pytest.mark.parametrize("service", yaml.safe_load(SERVICES.read_text(encoding="utf-8"))["services"])
def test_every_entry_of_the_catalogue_takes_a_value(service: str, path: tuple[str, str]) -> None:
    text = SERVICES.read_text(encoding="utf-8")
    value = "777MB" if path[1] == "max_wal_size" else "77"
    changed = edited(text, [Proposal(service, path, "?", value, "")])
    before, after = yaml.safe_load(text), yaml.safe_load(changed)
    assert str(after["services"][service][path[0]][path[1]]) == value
    before["services"][service].setdefault(path[0], {})[path[1]] = after["services"][service][path[0]][
        path[1]
    ]
    assert after == before
    assert changed.count("#") == text.count("#")
    Catalogue.model_validate(after)


def test_a_difference_is_what_patch_takes() -> None:
    told = difference(
        SERVICES.read_text(encoding="utf-8"), [Proposal("user", ("pool", "maximum"), "20", "30", "")]
    )
    assert told.startswith("--- a/services.yaml\n+++ b/services.yaml\n@@ ")
    assert "-    pool: {maximum: 20, idle: 5}\n+    pool: {maximum: 30, idle: 5}\n" in told


def test_a_service_that_the_catalogue_has_not_is_said() -> None:
    with pytest.raises(ValueError, match="no service nobody"):
        edited("services: {}", [Proposal("nobody", ("pool", "maximum"), "1", "2", "")])
