"""What the verbs about backups share: which kind of archive a service has, and how times are shown."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from components.contract import Contract, Service
from core.errors import BackupsOff
from operations.backup.archive import Archive
from operations.object_store.archive import StoredBackups


def archive_of(service: Service) -> Archive:
    """A service's archive. Raises BackupsOff where the stack keeps none."""
    if service.backups is None:
        raise BackupsOff(
            f"the stack keeps no backups of {service.name}: leave `backup.enabled` in services.yaml and "
            "`backups` of the stack's settings at true, then `pulumi up`"
        )
    return Archive.of(service.backups)


def stored_of(service: Service) -> StoredBackups | None:
    """A service's archive in an object store; None: it is a folder. Raises BackupsOff as `archive_of`."""
    archive_of(service)
    return StoredBackups.of(service)


def archives_of(services: Iterable[Service]) -> dict[str, Archive]:
    """By service. Raises BackupsOff for the first that has none."""
    return {service.name: archive_of(service) for service in services}


def backed_up(contract: Contract) -> list[Service]:
    """The services whose backups the stack keeps. Raises BackupsOff where there is none."""
    found = [service for service in contract.services.values() if service.backups is not None]
    if not found:
        raise BackupsOff("this stack keeps no backups: set `backups: true` in its settings, then `pulumi up`")
    return found


def utc(seconds: float | None) -> str:
    """Seconds since 1970 for a person."""
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
