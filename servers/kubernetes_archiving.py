"""What CloudNativePG's operator says of a cluster's WAL and backups: conditions of its Cluster. Pure."""

from __future__ import annotations

from servers.kubernetes_api import Object


def conditions(cluster: Object) -> dict[str, Object]:
    """By their type."""
    return {str(one["type"]): one for one in (cluster.get("status") or {}).get("conditions") or ()}


def not_archived(cluster: Object) -> str | None:
    """Why WAL does not go to the object store; None: it does."""
    one = conditions(cluster).get("ContinuousArchiving")
    if one is None:
        return "no WAL has gone to the object store yet"
    said = " ".join(str(one.get("message", "")).split())
    return None if one["status"] == "True" else f"WAL does not go to the object store: {said}"


def not_backed_up(cluster: Object) -> str | None:
    """Why the last backup failed; None: it did not, or there was none."""
    one = conditions(cluster).get("LastBackupSucceeded")
    if one is None or one["status"] != "False":
        return None
    return f"the last backup failed: {' '.join(str(one.get('message', '')).split())}"
