"""Volumes and their claims: which claim a volume is bound to is changed, no byte is copied.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/#reserving-a-persistentvolume
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from core.errors import RestoreFailed
from operations.object_store.archive import POLL_SECONDS, StoredBackups, said
from servers.kubernetes_api import Object

SECONDS = 60.0
_OF_THE_SYSTEM = ("pv.kubernetes.io/", "volume.kubernetes.io/", "volume.beta.kubernetes.io/")
"""Annotations that a claim gets by being bound."""


@dataclass(frozen=True)
class Volume:
    """A PersistentVolume."""

    name: str
    policy: str
    """What becomes of it when its claim goes: Delete or Retain."""


def of_claim(archive: StoredBackups, claim: str) -> Volume:
    """The volume that a claim is bound to. Raises RestoreFailed."""
    found = archive.find("PersistentVolumeClaim", claim)
    name = None if found is None else found["spec"].get("volumeName")
    volume = None if name is None else _find(archive, name)
    if volume is None:
        raise RestoreFailed(f"the claim {archive.stored.namespace}/{claim} has no volume")
    return Volume(str(name), volume["spec"]["persistentVolumeReclaimPolicy"])


def keep(archive: StoredBackups, name: str) -> None:
    """Whatever becomes of its claim, the volume stays."""
    settle(archive, name, "Retain")


def settle(archive: StoredBackups, name: str, policy: str) -> None:
    """What becomes of the volume when its claim goes, from now on."""
    _change(archive, name, {"spec": {"persistentVolumeReclaimPolicy": policy}})


def drop(archive: StoredBackups, claim: str) -> None:
    """Delete a claim, and wait until it is gone. Raises RestoreFailed."""
    archive.delete("PersistentVolumeClaim", claim)
    deadline = time.monotonic() + SECONDS
    while archive.find("PersistentVolumeClaim", claim) is not None:
        if time.monotonic() > deadline:
            raise RestoreFailed(
                f"the claim {archive.stored.namespace}/{claim} does not go; something uses its volume"
            )
        time.sleep(POLL_SECONDS)


def bind(archive: StoredBackups, claim: Object, volume: str) -> None:
    """Make a claim of a volume, which has none or one that is gone; nothing where it is bound to it already.

    Raises RestoreFailed.
    """
    name = claim["metadata"]["name"]
    found = _find(archive, volume)
    if found is None:
        raise RestoreFailed(f"the volume {volume} is gone")
    reference = (found["spec"].get("claimRef") or {}).get("name")
    if reference != name or (found.get("status") or {}).get("phase") != "Bound":
        _reserve(archive, volume, name)
    archive.create(claim)
    _wait_bound(archive, name)


def claim_like(like: Object, name: str, namespace: str, volume: str, *, own: bool) -> dict[str, Any]:
    """The manifest. One that is not the operator's has nothing by which it would take it for its own."""
    meta, spec = like["metadata"], like["spec"]
    made: dict[str, Any] = {"name": name, "namespace": namespace}
    if own:
        annotations = meta.get("annotations") or {}
        made["labels"] = dict(meta.get("labels") or {})
        made["annotations"] = {
            key: one for key, one in annotations.items() if not key.startswith(_OF_THE_SYSTEM)
        }
        if meta.get("ownerReferences"):
            made["ownerReferences"] = meta["ownerReferences"]
    kept = {
        key: spec[key]
        for key in ("accessModes", "resources", "storageClassName", "volumeMode")
        if key in spec
    }
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": made,
        "spec": {**kept, "volumeName": volume},
    }


def _reserve(archive: StoredBackups, volume: str, claim: str) -> None:
    """Of a volume whose claim is gone: the one that may have it now."""
    reference = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": archive.stored.namespace,
        "name": claim,
        "uid": None,
        "resourceVersion": None,
    }
    _change(archive, volume, {"spec": {"claimRef": reference}})


def _wait_bound(archive: StoredBackups, claim: str) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        found = archive.find("PersistentVolumeClaim", claim)
        if found is not None and (found.get("status") or {}).get("phase") == "Bound":
            return
        if time.monotonic() > deadline:
            raise RestoreFailed(
                f"the claim {archive.stored.namespace}/{claim} is not bound to its volume; see "
                f"`{archive.kubectl} describe pvc {claim}`"
            )
        time.sleep(POLL_SECONDS)


def _find(archive: StoredBackups, name: str) -> Object | None:
    return said(lambda: archive.api.find("PersistentVolume", name))


def _change(archive: StoredBackups, name: str, patch: Object) -> None:
    said(lambda: archive.api.change("PersistentVolume", name, None, patch))
