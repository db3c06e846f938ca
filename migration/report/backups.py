"""Who fills a service's archive, as `status` shows it: from the file that the supervisor writes, or from what
the operator says."""

from __future__ import annotations

import json
import time
from pathlib import Path

from components.contract import BackupControl, StoredArchive
from core.progress.units import duration
from servers.errors import ServerError
from servers.kubernetes_api import ClusterApi
from servers.kubernetes_archiving import not_archived, not_backed_up

STATE = Path("state") / "supervisor.json"
"""In the archive's folder."""
SILENT_SECONDS = 60.0


def backup_problems(control: BackupControl | None, now: float | None = None) -> list[str]:
    """What is wrong with who fills the archive; nothing where the stack keeps none."""
    if control is None:
        return []
    if control.stored is not None:
        return _stored(control.stored)
    at = time.time() if now is None else now
    try:
        said = json.loads((Path(control.folder) / STATE).read_text(encoding="utf-8"))
        beat, receiver = float(said["beat"]), said["receiver"]
        synchronous = said.get("synchronous", {})
        failing = {name: one["said"] for name, one in said["tasks"].items() if one["failures"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return [f"backups: nobody has filled {control.folder} yet, or this user may not see it"]
    if at - beat > SILENT_SECONDS:
        return [f"backups: nobody has filled its archive for {duration(at - beat)}; `pulumi up` starts it"]
    found = []
    if receiver["pid"] is None:
        why = "a restore is exchanging its data" if said["stopped"] else receiver["said"] or "it never began"
        found.append(f"backups: its WAL is not received ({why})")
    if control.policy.synchronous and not synchronous.get("in_force"):
        why = synchronous.get("said") or "the receiver has not caught up yet"
        found.append(f"backups: commits do NOT wait for the archive, as services.yaml wants ({why})")
    return found + [f"backups: {name} failed: {why}" for name, why in failing.items()]


def _stored(archive: StoredArchive) -> list[str]:
    """What the operator says of one in an object store."""
    try:
        cluster = ClusterApi(archive.context, archive.kubeconfig).find(
            "Cluster", archive.cluster, archive.namespace
        )
    except ServerError as error:
        return [f"backups: {error}"]
    if cluster is None:
        return [f"backups: the cluster {archive.namespace}/{archive.cluster} is gone"]
    said = (not_archived(cluster), not_backed_up(cluster))
    return [f"backups: {one}" for one in said if one is not None]
