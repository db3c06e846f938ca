"""What CloudNativePG's operator says of a cluster's WAL and backups: conditions of its Cluster. Pure."""

from __future__ import annotations

import json
from contextlib import suppress

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
    if one is None or one.get("reason") != "LastBackupFailed":
        return None
    return f"the last backup failed: {' '.join(str(one.get('message', '')).split())}"


def barmans_word(log: str) -> str | None:
    """What Barman's tools said last of an error, in the log of an instance, a JSON object a line; None:
    nothing. The operator itself has no more than their exit status."""
    said = None
    for line in log.splitlines():
        with suppress(ValueError):
            entry = json.loads(line)
            message = str(entry.get("msg", ""))
            if str(entry.get("logger", "")).startswith("barman-cloud") and "error" in message.lower():
                said = " ".join(message.split())
    return said
