"""The band of a service that moves: what is inside, what leaves it, how long that has to last."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components.catalogue.model import Catalogue
from components.catalogue.read import read_catalogue
from components.contract import SloPolicy
from components.problems import ConfigurationError
from core.pacing import SMALLEST_SHARE
from migration.slo.band import Band, Figures, Look, Patience, figures
from migration.slo.hold import Hold
from tests.support.places import REPOSITORY

pytestmark = pytest.mark.unit

BEFORE = Figures(rate=100.0, latency=0.010, errors=0.01, business=0.98)
BAND = Band(BEFORE, SloPolicy())


def look(at: float, **changes: float) -> Look:
    """A service at 100 transactions a second of 10 ms, one in a hundred rolled back."""
    well = {
        "transactions": round(100 * at), "seconds": at, "commits": round(99 * at), "rollbacks": round(at),
        "longest_wait": 0.0, "business": 0.98,
    }  # fmt: skip
    return Look(at=at, **{**well, **changes})  # type: ignore[arg-type]


def test_a_service_that_does_as_before_is_inside() -> None:
    found = figures([look(10), look(20)])
    assert (found.rate, found.business) == (100.0, 0.98)
    assert found.latency == pytest.approx(0.010)
    assert BAND.left(found) is None


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (replace(BEFORE, latency=0.0201), "a transaction takes 20 ms, 20 are allowed (10.0 before)"),
        (replace(BEFORE, errors=0.031), "3.1% of the transactions are rolled back, 3.0% are allowed"),
        (replace(BEFORE, business=0.87), "business is 0.87, at least 0.882 is wanted (0.98 before)"),
        (replace(BEFORE, business=None), "business says nothing, 0.98 before"),
        (replace(BEFORE, problem="the gateway of user went away"), "the gateway of user went away"),
    ],
)
def test_each_figure_leaves_the_band_by_its_own_limit(now: Figures, why: str) -> None:
    assert (BAND.left(now) or "").startswith(why)


@pytest.mark.parametrize(
    "now",
    [replace(BEFORE, latency=0.0199), replace(BEFORE, errors=0.0299), replace(BEFORE, business=0.883),
     replace(BEFORE, latency=None, errors=None)],
)  # fmt: skip
def test_what_is_within_its_limit_or_not_known_is_inside(now: Figures) -> None:
    assert BAND.left(now) is None


def test_a_very_fast_service_has_some_slack() -> None:
    assert Band(replace(BEFORE, latency=0.0001), SloPolicy()).latency == pytest.approx(0.0101)


def test_few_transactions_say_nothing() -> None:
    first = look(10)
    found = figures([first, replace(first, at=11, transactions=first.transactions + 4, seconds=99)])
    assert (found.latency, found.errors) == (None, None)


def test_a_service_that_stands_still_is_as_slow_as_its_client_waits() -> None:
    first = look(10)
    found = figures([first, replace(first, at=11, longest_wait=7.5)])
    assert found.latency == 7.5
    assert "a transaction takes 7500 ms" in (BAND.left(found) or "")


def test_a_server_that_was_started_anew_has_no_errors_to_tell() -> None:
    assert figures([look(20), look(30, commits=3, rollbacks=900)]).errors is None


def test_business_that_said_nothing_before_binds_nothing() -> None:
    for was in (None, 0.0):
        assert Band(replace(BEFORE, business=was), SloPolicy()).left(replace(BEFORE, business=None)) is None


def test_only_what_lasts_counts() -> None:
    patience = Patience(10)
    told = [(0, "slow"), (9, "slow"), (10, None), (11, "slow"), (20, "slow"), (21, "slow")]
    assert [patience.look(at, why) for at, why in told] == [False, False, False, False, False, True]


class Clock:
    """A clock that a test turns."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.booleans(), max_size=100))
def test_a_copy_is_held_back_while_out_and_never_stopped(out: list[bool]) -> None:
    hold = Hold(None, BAND, Clock())  # type: ignore[arg-type]
    at = 0.0
    for is_out in out:
        at += 1
        before = hold.share.value
        hold.observe(look(at, business=0.1 if is_out else 0.98))
        assert SMALLEST_SHARE <= hold.share.value <= 1
        assert hold.out or hold.share.value >= before


def test_who_copies_rests_and_says_why_until_it_is_over() -> None:
    clock = Clock()
    hold = Hold(None, BAND, clock)  # type: ignore[arg-type]
    assert hold.why() is None
    for at in range(4):
        hold.observe(look(at, business=0.1))
    assert hold.share.value == pytest.approx(0.125)
    assert "business is 0.1" in (hold.why() or "")
    hold.rest(0)
    clock.now += 0.1
    assert hold.rest(0) == pytest.approx(0.7)
    for at in range(4, 40):
        hold.observe(look(at))
    assert (hold.share.value, hold.why()) == (1.0, None)
    assert hold.figures()["looks_out"] == 5


def catalogue_with(tmp_path: Path, slo: dict[str, object]) -> Catalogue:
    content = yaml.safe_load((REPOSITORY / "services.yaml").read_text(encoding="utf-8"))
    content["services"]["user"]["slo"] = slo
    file = tmp_path / "services.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return read_catalogue(file)


def test_the_catalogue_says_it_in_minutes_and_one_select(tmp_path: Path) -> None:
    said = catalogue_with(tmp_path, {"business": "SELECT 1.0;", "autoRollback": "5m", "before": "1min"})
    slo = said.services["user"].slo
    assert slo is not None
    assert (slo.policy.business, slo.policy.auto_rollback, slo.policy.before) == ("SELECT 1.0", 300, 60)


@pytest.mark.parametrize(
    ("business", "why"),
    [("DELETE FROM a", "not one SELECT"), ("SELECT 1; SELECT 2", "not one SELECT"), ("SELEKT 1", "not SQL")],
)
def test_what_is_no_reading_query_is_refused(tmp_path: Path, business: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        catalogue_with(tmp_path, {"business": business})
