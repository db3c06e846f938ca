"""A service's certificate and disk."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from components.contract import WatchedService
from operations.monitoring.disks import Disk
from operations.monitoring.figures.gauges import Families
from servers.certificates import days_left


def add(families: Families, name: str, watched: WatchedService, disk: Disk | None) -> None:
    """Its figures; what is gone has none."""
    labels = {"service": name}
    with suppress(OSError, ValueError):
        days = days_left(Path(watched.certificate))
        families.gauge("waqiti_certificate_days_left", "Days that its certificate is good for", days, labels)
    if disk is not None:
        families.gauge("waqiti_disk_free_bytes", "What is left where its data is", disk["free"], labels)
        families.gauge("waqiti_disk_size_bytes", "How much there is where its data is", disk["size"], labels)
