"""From which backup a target is reached, and the Cluster that is restored to it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.errors import NoSuchBackup
from operations.backup.catalogue import Backup
from operations.backup.wal import format_lsn
from operations.restore.target import Target
from servers.kubernetes_api import Object

SOURCE = "archive"
ALONE = {"max_logical_replication_workers": "0", "max_sync_workers_per_subscription": "0"}
"""One that follows the shared database would take over the real one's replication slots."""
TAKEN_OVER = (
    "imageName",
    "imageCatalogRef",
    "storage",
    "resources",
    "affinity",
    "superuserSecret",
    "enableSuperuserAccess",
    "projectedVolumeTemplate",
    "inheritedMetadata",
    "smartShutdownTimeout",
)
"""Of the service's own Cluster. Not its archive, which a restored one must not write to, nor its names."""


@dataclass(frozen=True)
class Way:
    """How a target is reached."""

    backup: Backup
    target: dict[str, str | bool]
    """The operator's `recoveryTarget`."""


def find_way(
    service: str, backups: Sequence[Backup], target: Target, timeline: int | None, now: datetime
) -> Way:
    """The newest backup that ends before the target. Raises NoSuchBackup with what there is."""
    usable = [one for one in backups if one.is_whole and one.end is not None]
    if not usable:
        raise NoSuchBackup(
            f"{service} has no backup that is whole; take one: python -m operations backup {service}"
        )
    if target.time is not None and target.time > now:
        raise NoSuchBackup(f"{target} is in the future; without a target {service} is restored to now")
    if timeline is not None:
        usable = [one for one in usable if (one.timeline or 0) <= timeline]
    fitting = [one for one in usable if _may_lead(one, target)]
    if not fitting:
        raise NoSuchBackup(f"nothing in the archive of {service} leads to {target}: {_oldest(usable)}")
    backup = fitting[-1]
    found: dict[str, str | bool] = {"backupID": backup.id}
    if timeline is not None:
        found["targetTLI"] = str(timeline)
    if target.time is not None:
        found["targetTime"] = f"{target.time:%Y-%m-%d %H:%M:%S.%f+00:00}"
    elif target.lsn is not None:
        # Up to the record that begins there: all that ends there is in it.
        found |= {"targetLSN": format_lsn(target.lsn), "exclusive": True}
    elif target.point is not None:
        found["targetName"] = target.point
    return Way(backup, found)


def _may_lead(backup: Backup, target: Target) -> bool:
    if target.time is not None:
        return backup.end is not None and backup.end <= target.time
    return target.end is None or (backup.end_lsn or 0) <= target.end


def _oldest(usable: Sequence[Backup]) -> str:
    if not usable:
        return "no backup is of that time-line or an older one"
    one = usable[0]
    at = "" if one.end is None else f"{one.end:%Y-%m-%d %H:%M:%S} UTC, "
    return f"the oldest backup, {one.id}, ends after it ({at}LSN {format_lsn(one.end_lsn or 0)})"


def restored_spec(own: Object, way: Way, source: dict[str, object]) -> dict[str, Any]:
    """The Cluster beside the service's own: one instance of the same settings, that writes to no archive."""
    spec = own["spec"]
    found = {key: spec[key] for key in TAKEN_OVER if key in spec}
    postgresql = spec.get("postgresql") or {}
    parameters = {**(postgresql.get("parameters") or {}), **ALONE}
    recovery: dict[str, Any] = {"source": SOURCE}
    recovery["recoveryTarget"] = way.target
    return {
        **found,
        "instances": 1,
        "postgresql": {**postgresql, "parameters": parameters},
        "bootstrap": {"recovery": recovery},
        "externalClusters": [{"name": SOURCE, **source}],
    }
