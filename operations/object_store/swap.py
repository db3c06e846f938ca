"""The restored data become the service's own: its cluster gets the restored volume in the place of its own.

The cluster stays the one that it was, with its address, its certificates and its state in Pulumi; only what
the claim of its primary is bound to changes. What it had is kept under a claim of another name. What was
killed in the middle is gone on with by the same command: each step looks first, and a ConfigMap has what they
need.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from typing import Any

from components.contract import Contract
from core.errors import MigrationError, RestoreFailed, WrongState
from core.gateway.gateway import Gateway
from core.sessions.connections import Database
from operations.object_store import volumes
from operations.object_store.archive import POLL_SECONDS, StoredBackups
from operations.object_store.restore import beside, remove, require_restored
from operations.restore.exchange import Exchanged
from operations.restore.restore import Restored

NOTE = "restore-swap"
"""The ConfigMap that says what a swap is doing."""
HIBERNATION = "cnpg.io/hibernation"
SECONDS = 180.0
_REPLICATES = """
SELECT (SELECT count(*) FROM pg_catalog.pg_subscription)
     + (SELECT count(*) FROM pg_catalog.pg_publication WHERE pubname LIKE 'waqiti%%')
"""
_TO_ARCHIVE = (
    "COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; rm -f .check-empty-wal-archive;"
    ' cd pg_wal/archive_status && for one in *.history.done; do [ ! -e "$one" ] ||'
    ' mv "$one" "${one%.done}.ready"; done\''
)
"""What was restored had no archive: the history of its time-line is still to go to the service's."""

Step = Callable[[str], None]


@dataclass(frozen=True)
class Note:
    """What a swap needs to know after the cluster that was restored is gone."""

    restored: dict[str, Any]
    volume: str
    """The restored one."""
    volume_policy: str
    """What becomes of it by itself when its claim goes, as it was."""
    claim: dict[str, Any]
    """The primary's, of the service's own cluster, with the restored volume."""
    before: str
    """The volume that it had."""
    before_policy: str
    kept: dict[str, Any]
    """The claim that this is kept under."""


def begun_already(archive: StoredBackups) -> Restored | None:
    """What a swap that was cut off is putting in; None: there is none."""
    note = _read(archive)
    return None if note is None else Restored(**note.restored)


def to_swap(archive: StoredBackups) -> Restored:
    """What `swap` would put in. Raises RestoreInTheWay where there is nothing."""
    return begun_already(archive) or require_restored(archive)


def swap(contract: Contract, archive: StoredBackups, begun: Step, *, pause_timeout: float) -> Exchanged:
    """Put the restored volume into the service's cluster; clients wait meanwhile.

    Raises RestoreInTheWay (nothing restored), WrongState (its replication with the shared database is alive),
    StepTimeout (a client's transaction does not end), RestoreFailed (something does not come or go; run it
    again).
    """
    note = _read(archive)
    if note is None:
        begun("looking whether it may be exchanged")
        note = _prepare(archive)
    gateway = Gateway(archive.service, contract.source)
    leads_here = gateway.route() == "target"
    with ExitStack() as undo:
        begin = time.monotonic()
        if leads_here:
            begun("pausing the gateway")
            gateway.pause(pause_timeout)
            undo.callback(gateway.resume)
        begun("exchanging the volumes")
        _exchange(archive, note)
        begun("starting it")
        _hibernate(archive, archive.stored.cluster, on=False)
        _wait_until_it_serves(archive)
    pause = time.monotonic() - begin if leads_here else 0.0
    archive.delete("ConfigMap", NOTE)
    kept = f"{archive.stored.namespace}/{note.kept['metadata']['name']}"
    return Exchanged(f"the volume claim {kept}", round(pause, 2))


def _prepare(archive: StoredBackups) -> Note:
    """All that can be done while the service goes on; the restored instance is stopped in the end."""
    restored, name = require_restored(archive), beside(archive)
    database = archive.database(name, archive.service.instance.database)
    with closing(database.connect()) as session, database.translated("looking whether it may be exchanged"):
        row = session.execute(_REPLICATES.encode()).fetchone()
        if row is not None and row[0]:
            raise WrongState(
                f"{archive.service.name} replicates with the shared database, which would be ahead of what "
                "was restored: take its move back first (`python -m migration rollback`), then swap"
            )
    _hibernate(archive, name, on=True)
    primary = str((archive.cluster().get("status") or {}).get("currentPrimary") or "")
    mine, own = volumes.of_claim(archive, f"{name}-1"), volumes.of_claim(archive, primary)
    claim = archive.find("PersistentVolumeClaim", primary)
    if claim is None:
        raise RestoreFailed(f"the claim {archive.stored.namespace}/{primary} is gone")
    kept = f"{primary}-before-{time.strftime('%Y%m%dt%H%M%S', time.gmtime())}"
    namespace = archive.stored.namespace
    note = Note(
        asdict(restored),
        mine.name,
        mine.policy,
        volumes.claim_like(claim, primary, namespace, mine.name, own=True),
        own.name,
        own.policy,
        volumes.claim_like(claim, kept, namespace, own.name, own=False),
    )
    _write(archive, note)
    return note


def _exchange(archive: StoredBackups, note: Note) -> None:
    volumes.keep(archive, note.volume)
    volumes.keep(archive, note.before)
    _hibernate(archive, archive.stored.cluster, on=True)
    remove(archive, beside(archive))
    name = note.claim["metadata"]["name"]
    there = archive.find("PersistentVolumeClaim", name)
    if there is not None and there["spec"].get("volumeName") == note.before:
        # Its standbys are of the old data: they are made anew from the new primary.
        for one in archive.listed("PersistentVolumeClaim", f"cnpg.io/cluster={archive.stored.cluster}"):
            volumes.drop(archive, one["metadata"]["name"])
    volumes.bind(archive, note.claim, note.volume)
    volumes.bind(archive, note.kept, note.before)
    volumes.settle(archive, note.volume, note.volume_policy)
    volumes.settle(archive, note.before, note.before_policy)


def _hibernate(archive: StoredBackups, name: str, *, on: bool) -> None:
    """Stop a cluster's servers cleanly and keep its volumes, or let them come back."""
    if on and archive.find("Cluster", name) is None:
        return
    value = "on" if on else "off"
    archive.change("Cluster", name, {"metadata": {"annotations": {HIBERNATION: value}}})
    deadline = time.monotonic() + SECONDS
    while on and archive.listed("Pod", f"cnpg.io/cluster={name}"):
        if time.monotonic() > deadline:
            raise RestoreFailed(f"the servers of {name} do not stop; see `{archive.kubectl} get pods`")
        time.sleep(POLL_SECONDS)


def _wait_until_it_serves(archive: StoredBackups) -> None:
    """Until its own address answers, and is no standby's; then its archive is told of its time-line.

    Raises RestoreFailed.
    """
    own = archive.service.instance
    database = Database("the restored instance", "target", own, archive.administrator())
    deadline, said = time.monotonic() + SECONDS, ""
    while time.monotonic() < deadline:
        try:
            with (
                closing(database.connect(application_name="waqiti-restore")) as session,
                database.translated("looking whether it serves"),
            ):
                row = session.execute("SELECT pg_catalog.pg_is_in_recovery()").fetchone()
                if row == (False,):
                    session.execute(_TO_ARCHIVE.encode())
                    return
        except MigrationError as error:
            said = " ".join(str(error).split())
        time.sleep(POLL_SECONDS)
    raise RestoreFailed(
        f"the restored data of {archive.service.name} do not serve after {SECONDS:g} s ({said}); see "
        f"`{archive.kubectl} describe cluster {archive.stored.cluster}`"
    )


def _read(archive: StoredBackups) -> Note | None:
    found = archive.find("ConfigMap", NOTE)
    return None if found is None else Note(**json.loads(found["data"]["note"]))


def _write(archive: StoredBackups, note: Note) -> None:
    archive.create(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": NOTE, "namespace": archive.stored.namespace},
            "data": {"note": json.dumps(asdict(note))},
        }
    )
