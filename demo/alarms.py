"""Which alarms fired during a demo, as its Prometheus remembers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.contract import MonitoringControl
from operations.alarms.ask import look

HOURS = 6.0


def alarms_so_far(control: MonitoringControl) -> dict[str, Any]:
    """What a demo's Prometheus remembers.

    `fired`: alarm and service of each that fired at any time; `checked`: how many rules were evaluated, over
    `services` instances. Raises NotMeasured where Prometheus does not answer.
    """
    found = look(control, HOURS)
    return {"fired": list(found.fired), "checked": found.rules, "services": len(found.watched)}


def alarms_line(found: Mapping[str, Any]) -> str:
    """In one line."""
    fired = found["fired"]
    which = f" ({', '.join(fired)})" if fired else ""
    return f"{len(fired)} alarms fired{which}, {found['checked']} checked over {found['services']} services"
