"""A rule, and how Prometheus is told it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from components.monitoring.settings import MonitoringSettings

Severity = Literal["critical", "warning"]
"""`critical`: somebody is woken. `warning`: somebody looks today."""
LEAST_LOOKS = 5
"""What is averaged is averaged over so many looks at least."""


@dataclass(frozen=True)
class Alert:
    """One rule. In `expr`, `{limit}` stands for `limits[limit]`, `{window}` for the time it averages over."""

    name: str
    expr: str
    hold: int
    """Seconds that the condition lasts before it alarms."""
    severity: Severity
    summary: str
    """One line for who is woken; Prometheus' template variables may stand in it."""
    limit: str | None = None
    """The name of its limit in `limits.LIMITS`."""
    window: int = 0
    """Seconds."""


def rule(alert: Alert, settings: MonitoringSettings, limits: Mapping[str, float]) -> dict[str, Any]:
    """The rule as Prometheus reads it."""
    window = max(round(alert.window * settings.hold), LEAST_LOOKS * settings.interval)
    limit = "" if alert.limit is None else f"{limits[alert.limit]:.17g}"
    return {
        "alert": alert.name,
        "expr": alert.expr.replace("{window}", f"{window}s").replace("{limit}", limit),
        "for": f"{max(0, round(alert.hold * settings.hold * 1000))}ms",
        "labels": {"severity": alert.severity},
        "annotations": {
            "summary": alert.summary,
            "runbook": f"{settings.runbooks.rstrip('/')}/{alert.name}.md",
        },
    }


def groups(
    alerts: Mapping[str, Iterable[Alert]], settings: MonitoringSettings, limits: Mapping[str, float]
) -> dict[str, Any]:
    """The rule file, a group a subject."""
    return {
        "groups": [
            {"name": name, "rules": [rule(alert, settings, limits) for alert in of_group]}
            for name, of_group in alerts.items()
        ]
    }
