"""All figures of all services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import Metric

from components.contract import MonitoringControl, WatchedService
from operations.monitoring.disks import disk_of
from operations.monitoring.figures import backups, gateways, logins, machine, moves
from operations.monitoring.figures.gauges import Families


def figures(
    services: Mapping[str, WatchedService], consoles: gateways.Consoles, control: MonitoringControl | None
) -> Iterator[Metric]:
    """One look at `services`; `control`: who watches the stack. Never raises for what is down or missing."""
    families = Families()
    for name, watched in services.items():
        gateways.add(families, name, watched, consoles)
        backups.add(families, name, watched)
        disk = disk_of(name, watched.data, None if control is None else control.folder)
        machine.add(families, name, watched, disk)
        if control is not None:
            moves.add(families, name, control.moves)
            logins.add(families, name, disk, control.moves)
    yield from families
