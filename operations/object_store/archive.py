"""A service's archive in an object store, seen through its cluster's API: what is in it, who may look."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from components.contract import Endpoint, Login, Service, StoredArchive
from core.errors import BackupFailed, MigrationError, WrongState
from core.sessions.connections import Database
from operations.backup.archive import Archive
from operations.backup.catalogue import DONE, Backup
from operations.backup.wal import parse_lsn
from servers import osuser, paths
from servers.errors import ServerError
from servers.kubernetes_api import ClusterApi, Object

T = TypeVar("T")

PORT = 5432
"""PostgreSQL's in a pod, which the operator fixes."""
POLL_SECONDS = 0.5
_STATES = {"completed": DONE, "failed": "FAILED", "walArchivingFailing": "FAILED"}
"""What the operator calls them, as Barman would; all others are under way."""


@dataclass(frozen=True)
class StoredBackups:
    """One service's. All that the API refuses is a MigrationError of one line."""

    service: Service
    stored: StoredArchive
    kept: Archive
    """The folder on this machine with what proofs found."""

    @classmethod
    def of(cls, service: Service) -> StoredBackups | None:
        """None: the service is backed up to a folder, or not at all."""
        control = service.backups
        if control is None or control.stored is None:
            return None
        return cls(service, control.stored, Archive.of(control))

    @property
    def api(self) -> ClusterApi:
        """The cluster's."""
        return ClusterApi(self.stored.context, self.stored.kubeconfig)

    @property
    def kubectl(self) -> str:
        """How a command line begins that looks into its namespace."""
        return f"kubectl --context {self.stored.context} -n {self.stored.namespace}"

    def find(self, kind: str, name: str) -> Object | None:
        """An object of its namespace."""
        return said(lambda: self.api.find(kind, name, self.stored.namespace))

    def listed(self, kind: str, labels: str = "") -> list[Object]:
        """Objects of its namespace."""
        return said(lambda: self.api.listed(kind, self.stored.namespace, labels))

    def log(self, pod: str, container: str, lines: int = 400) -> str:
        """The last lines that a container of a pod wrote."""
        return said(lambda: self.api.log(pod, self.stored.namespace, container, lines))

    def cluster(self, name: str = "") -> Object:
        """Its Cluster, or the one of that name. Raises WrongState where it is not there."""
        wanted = name or self.stored.cluster
        found = self.find("Cluster", wanted)
        if found is None:
            raise WrongState(
                f"{self.service.name} has no cluster {self.stored.namespace}/{wanted}: pulumi up"
            )
        return found

    def backups(self) -> list[Backup]:
        """In the order of the WAL. The operator forgets those that are not in the store any more."""
        mine = [one for one in self.listed("Backup") if one["spec"]["cluster"]["name"] == self.stored.cluster]
        found = [as_backup(one, self.kept.folder) for one in mine]
        return sorted(found, key=lambda one: (one.begin_lsn if one.begin_lsn is not None else 2**64, one.id))

    def administrator(self) -> Login:
        """The superuser's login, which the operator gives every cluster in the namespace that asks for it."""
        found = self.find("Secret", self.stored.administrator_secret)
        if found is None:
            name = f"{self.stored.namespace}/{self.stored.administrator_secret}"
            raise WrongState(f"the Secret {name} is not there: pulumi up")
        words = {key: base64.b64decode(one).decode() for key, one in found["data"].items()}
        return Login(name=words["username"], password=SecretStr(words["password"]))

    def database(self, cluster: str, name: str) -> Database:
        """A database of a cluster that was restored beside the service's own, as its administrator.

        By the primary's own address, under the name that its certificate has. Raises WrongState.
        """
        pods = self.listed("Pod", f"cnpg.io/cluster={cluster},cnpg.io/instanceRole=primary")
        authority = self.find("Secret", f"{cluster}-ca")
        address = next((pod["status"].get("podIP") for pod in pods), None)
        if address is None or authority is None:
            raise WrongState(
                f"{self.stored.namespace}/{cluster} has no primary; see `{self.kubectl} get pods`"
            )
        file = self.kept.folder / f"{cluster}.crt"
        paths.make_private(self.kept.folder)
        osuser.write_private(file, base64.b64decode(authority["data"]["ca.crt"]).decode(), ours=True)
        endpoint = Endpoint(
            host=f"{cluster}-rw.{self.stored.namespace}.svc",
            address=address,
            port=PORT,
            database=name,
            sslrootcert=str(file),
        )
        return Database("the restored instance", "target", endpoint, self.administrator())

    def apply(self, kind: str, name: str, spec: Mapping[str, object], **metadata: object) -> None:
        """Make an object of the operator's, or change it to this."""
        manifest = {
            "apiVersion": "postgresql.cnpg.io/v1",
            "kind": kind,
            "metadata": {"name": name, "namespace": self.stored.namespace, **metadata},
            "spec": dict(spec),
        }
        said(lambda: self.api.apply(manifest))

    def create(self, manifest: Object) -> bool:
        """Make an object; False where one of its name is there already, which is left as it is."""
        return said(lambda: self.api.create(manifest))

    def change(self, kind: str, name: str, patch: Object) -> None:
        """A merge patch of an object of its namespace."""
        said(lambda: self.api.change(kind, name, self.stored.namespace, patch))

    def delete(self, kind: str, name: str) -> None:
        """Remove an object of its namespace, where it is there."""
        said(lambda: self.api.delete(kind, name, self.stored.namespace))


def said(act: Callable[[], T]) -> T:
    """What `act` gives; what the cluster's API refuses or does not answer becomes a MigrationError."""
    try:
        return act()
    except ServerError as error:
        raise MigrationError(str(error)) from None


def wait_for(what: Callable[[], bool], seconds: float, otherwise: Callable[[], str]) -> None:
    """Look until it is so. Raises BackupFailed with `otherwise` after so many seconds."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            raise BackupFailed(otherwise())
        time.sleep(POLL_SECONDS)


def as_backup(found: Object, folder: Path) -> Backup:
    """A Backup of the operator's as the other platforms have it."""
    status = found.get("status") or {}
    begin = status.get("beginWal")
    return Backup(
        id=status.get("backupId") or found["metadata"]["name"],
        name=found["metadata"]["name"],
        status=_STATES.get(status.get("phase", ""), "STARTED"),
        kind="full",
        parent=None,
        begin=_time(status.get("startedAt") or found["metadata"].get("creationTimestamp")),
        end=_time(status.get("stoppedAt")),
        begin_lsn=_lsn(status.get("beginLSN")),
        end_lsn=_lsn(status.get("endLSN")),
        begin_wal=begin,
        timeline=int(begin[:8], 16) if begin else None,
        bytes=0,
        system=None,
        error=status.get("error"),
        folder=folder,
    )


def _lsn(text: str | None) -> int | None:
    return None if not text else parse_lsn(text)


def _time(text: str | None) -> datetime | None:
    return None if not text else datetime.fromisoformat(text).astimezone(UTC)
