"""All figures of all services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import Metric

from components.contract import WatchedService
from operations.monitoring.figures import backups, gateways, logins, machine, moves
from operations.monitoring.figures.gauges import Families


def figures(
    services: Mapping[str, WatchedService], consoles: gateways.Consoles, moves_folder: str | None
) -> Iterator[Metric]:
    """One look at `services`. Never raises for what is down or missing."""
    families = Families()
    for name, watched in services.items():
        gateways.add(families, name, watched, consoles)
        backups.add(families, name, watched)
        machine.add(families, name, watched)
        if moves_folder is not None:
            moves.add(families, name, moves_folder)
            logins.add(families, name, watched, moves_folder)
    yield from families
