"""Which alarms fired during a demo, as its Prometheus remembers."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

from components.contract import MonitoringControl
from demo.errors import DemoError

SECONDS = 10


def alarms_so_far(control: MonitoringControl) -> dict[str, Any]:
    """What a demo's Prometheus remembers.

    `fired`: alarm and service of each that fired at any time; `checked`: how many rules were evaluated, over
    `services` instances. Raises DemoError where Prometheus does not answer.
    """
    fired = {
        f"{sample['metric']['alertname']} of {sample['metric'].get('service', 'what watches')}"
        for sample in _query(control, 'max_over_time(ALERTS{alertstate="firing"}[6h])')
    }
    seen = _query(control, "count(count_over_time(pg_up[6h]) > 0)")
    groups = _ask(control, "rules", type="alert")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    return {
        "fired": sorted(fired),
        "checked": sum(rule["health"] == "ok" for rule in rules),
        "services": int(seen[0]["value"][1]) if seen else 0,
    }


def alarms_line(found: Mapping[str, Any]) -> str:
    """In one line."""
    fired = found["fired"]
    which = f" ({', '.join(fired)})" if fired else ""
    return f"{len(fired)} alarms fired{which}, {found['checked']} checked over {found['services']} services"


def _query(control: MonitoringControl, expression: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _ask(control, "query", query=expression)["result"]
    return found


def _ask(control: MonitoringControl, path: str, **words: str) -> dict[str, Any]:
    url = f"{control.prometheus}/api/v1/{path}?{urllib.parse.urlencode(words)}"
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 (our own)
            document: dict[str, Any] = json.load(answer)["data"]
            return document
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise DemoError(f"Prometheus does not answer ({error}); see {control.folder}/log") from error
