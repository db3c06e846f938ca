"""Services that are switched together, as a person does it, under transactions that cross them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.clusters import Clusters
from tests.support.crossing import SWITCH_SECONDS, Pair, pair
from tests.support.moves import SECRETS, SERVICES

pytestmark = pytest.mark.acceptance

LONG = ("--yes", "--json", "--switch-timeout", str(SWITCH_SECONDS))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("together"), clusters) as made:
        made.start()
        yield made


def test_services_are_switched_at_one_instant_there_and_back(both: Pair) -> None:
    document = json.loads(both.run("cutover", *SERVICES, "--together", *LONG))
    assert both.sides() == {"target"}
    for name in SERVICES:
        shown = document["services"][name]
        assert (shown["state"], shown["together"]) == ("moved", list(SERVICES))
        assert shown["steps_ms"].keys() >= {"pause", "close_old", "open_new", "resume"}
        assert shown["gates"]["verdict"] != "no-go"
    both.assert_sound()
    report = both.world.folder / "report"
    both.run("report", "--out", str(report))
    (file,) = report.glob("*.json")
    (page,) = report.glob("*.html")
    assert "at one instant with payment" in page.read_text()
    pages = {one["service"]: one for one in json.loads(file.read_text())["services"]}
    assert pages["user"]["pauses"][-1]["together"] == sorted(SERVICES)
    for secret in SECRETS:
        assert secret not in file.read_text()

    back = json.loads(both.run("rollback", *SERVICES, "--immediate", "--together", *LONG))
    assert both.sides() == {"source"}
    assert {shown["state"] for shown in back["services"].values()} == {"following"}
    both.assert_sound()
    assert both.crossing.failed == []
    assert both.writer.failed == []
