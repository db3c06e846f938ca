"""All rules, by subject, and as Prometheus' rule file. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.monitoring.rules import backups, gateway, instance, moves
from components.monitoring.rules.limits import limits
from components.monitoring.rules.model import Alert, groups
from components.monitoring.settings import MonitoringSettings

SUBJECTS: Mapping[str, tuple[Alert, ...]] = {
    "instance": instance.ALERTS,
    "gateway": gateway.ALERTS,
    "backups": backups.ALERTS,
    "move": moves.ALERTS,
}


def all_alerts() -> tuple[Alert, ...]:
    """Every rule."""
    return tuple(alert for of_subject in SUBJECTS.values() for alert in of_subject)


def rule_file(settings: MonitoringSettings) -> dict[str, Any]:
    """What Prometheus is given. Raises ConfigurationError for a limit that no rule has."""
    return groups(SUBJECTS, settings, limits(settings))
