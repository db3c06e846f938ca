"""Grafana's JSON of the panels, by its own builders."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from grafana_foundation_sdk.builders import stat, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, Row
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from components.monitoring.dashboards.panels import ALL, ONE, Panel, query_of

HEIGHT = 7
_SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
Rows = Sequence[tuple[str, Iterable[Panel]]]


def dashboards(services: Iterable[str]) -> dict[str, str]:
    """By the file's name: one for all services, one for each."""
    return {
        "all-services.json": _json("waqiti: all services", "waqiti-all", ALL, None),
        **{
            f"{service}.json": _json(f"waqiti: {service}", f"waqiti-{service}", ONE, service)
            for service in services
        },
    }


def queries(service: str | None, window: str) -> dict[str, tuple[bool, list[str]]]:
    """The queries of a dashboard by panel, each with whether it is right that it finds nothing."""
    rows = ALL if service is None else ONE
    return {
        panel.title: (panel.sometimes, [query_of(text, service, window) for _legend, text in panel.queries])
        for _title, panels in rows
        for panel in panels
    }


def _json(title: str, uid: str, rows: Rows, service: str | None) -> str:
    board = (
        Dashboard(title)
        .uid(uid)
        .tags(["waqiti"])
        .refresh("15s")
        .time("now-1h", "now")
        .with_variable(DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for heading, panels in rows:
        board = board.with_row(Row(heading))
        for panel in panels:
            board = board.with_panel(_panel(panel, service))
    return json.dumps(json.loads(JSONEncoder(sort_keys=True).encode(board.build())), indent=1) + "\n"


def _panel(panel: Panel, service: str | None) -> Any:
    made: Any = stat.Panel() if panel.kind == "values" else timeseries.Panel()
    made = made.title(panel.title).unit(panel.unit).span(panel.width).height(HEIGHT).datasource(_SOURCE)
    if panel.help:
        made = made.description(panel.help)
    for legend, text in panel.queries:
        made = made.with_target(Dataquery().expr(query_of(text, service)).legend_format(legend))
    return made
