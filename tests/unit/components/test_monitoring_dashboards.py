"""Dashboards: Grafana's own model reads them back, and each service has one."""

from __future__ import annotations

import json

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from components.monitoring.dashboards.build import dashboards, queries

pytestmark = pytest.mark.unit


def test_there_is_one_for_all_services_and_one_for_each() -> None:
    assert set(dashboards(["user", "wallet"])) == {"all-services.json", "user.json", "wallet.json"}


@pytest.mark.parametrize("file", ["all-services.json", "user.json"])
def test_grafanas_model_reads_a_dashboard_back_unchanged(file: str) -> None:
    document = json.loads(dashboards(["user"])[file])
    read = Dashboard.from_json(document)
    assert json.loads(JSONEncoder().encode(read)) == document
    assert document["title"].startswith("waqiti: ")


def test_every_query_of_a_services_dashboard_asks_for_that_service() -> None:
    for _sometimes, texts in queries("user", "1m").values():
        for text in texts:
            assert 'service="user"' in text
