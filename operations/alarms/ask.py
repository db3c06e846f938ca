"""What a stack's own Prometheus remembers of its alarms."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.contract import Contract, MonitoringControl
from core.errors import NotMeasured

SECONDS = 10.0


@dataclass(frozen=True)
class Alarms:
    """Over some hours."""

    hours: float
    fired: tuple[str, ...]
    """`Alarm of service`, each that fired at any time."""
    firing: tuple[str, ...]
    """Those of the severity `critical` that fire now."""
    rules: int
    """That were evaluated."""
    unhealthy: tuple[str, ...]
    """Rules that could not be."""
    watched: tuple[str, ...]
    """Services whose instance was looked at."""

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in vars(self).items()}


def watched_by(contract: Contract) -> MonitoringControl:
    """Who watches the stack, with a Prometheus of its own. Raises NotMeasured."""
    control = contract.monitoring
    if control is None or control.prometheus is None:
        raise NotMeasured(
            "no Prometheus of its own watches this stack: set waqiti:monitoring in its settings"
            " (docs/runbooks/monitoring.md), then `pulumi up`"
        )
    return control


def look(control: MonitoringControl, hours: float) -> Alarms:
    """What fired in the last `hours`. Raises NotMeasured where Prometheus does not answer."""
    span = f"{round(hours * 3600)}s"
    fired = _query(control, f'max_over_time(ALERTS{{alertstate="firing"}}[{span}])')
    firing = _query(control, 'ALERTS{alertstate="firing",severity="critical"}')
    seen = _query(control, f"count by (service) (count_over_time(pg_up[{span}]) > 0)")
    rules = [rule for group in _ask(control, "rules", type="alert")["groups"] for rule in group["rules"]]
    return Alarms(
        hours=hours,
        fired=_names(fired),
        firing=_names(firing),
        rules=sum(rule["health"] == "ok" for rule in rules),
        unhealthy=tuple(sorted({str(rule["name"]) for rule in rules if rule["health"] != "ok"})),
        watched=tuple(sorted(str(one["metric"].get("service", "")) for one in seen)),
    )


def fires(control: MonitoringControl, alarm: str, service: str) -> bool:
    """Whether an alarm of a service fires now. Raises NotMeasured."""
    found = _query(control, f'ALERTS{{alertstate="firing",alertname="{alarm}",service="{service}"}}')
    return bool(found)


def _names(samples: list[Mapping[str, Any]]) -> tuple[str, ...]:
    metrics = [one["metric"] for one in samples]
    named = {f"{one['alertname']} of {one.get('service', 'what watches')}" for one in metrics}
    return tuple(sorted(named))


def _query(control: MonitoringControl, expression: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = _ask(control, "query", query=expression)["result"]
    return found


def _ask(control: MonitoringControl, path: str, **words: str) -> dict[str, Any]:
    url = f"{control.prometheus}/api/v1/{path}?{urllib.parse.urlencode(words)}"
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 (a stack's own, on loopback)
            document: dict[str, Any] = json.load(answer)["data"]
            return document
    except (OSError, ValueError, KeyError) as error:
        raise NotMeasured(
            f"Prometheus does not answer at {control.prometheus} ({error}); see {control.folder}/log"
        ) from None
