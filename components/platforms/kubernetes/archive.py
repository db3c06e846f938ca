"""A service's archive in an object store, as CloudNativePG fills it. Pure.

Two ways, of which the rest of the program knows nothing: Barman's tools in the operator itself (its
`barmanObjectStore`, gone with 1.31), or the Barman Cloud Plugin. `StoredArchive` has what each of them puts
into a Cluster, beside it, into a Backup and into a Cluster that is restored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.platforms.kubernetes.plan import CLUSTER
from components.problems import Problem

if TYPE_CHECKING:
    from components.backup.entry import BackupEntry
    from components.catalogue.model import Catalogue, ServiceEntry
    from components.contract import BackupPolicy
    from components.platforms.kubernetes.plan import StackPlan
    from components.settings.model import Settings
    from components.settings.object_store import ObjectStoreSettings

Manifest = dict[str, Any]

SECRET, KEY_ID, KEY, REGION, AUTHORITY = "backup-store", "id", "key", "region", "ca.crt"
"""The Secret with the service's own key to its archive, and what is in it."""
SCHEDULE = "full"
PLUGIN, OBJECT_STORE = "barman-cloud.cloudnative-pg.io", "archive"
PLUGIN_KIND = "objectstores.barmancloud.cnpg.io"
KEPT_ANYWAY = 2
"""The newest backup and the one that leads to the beginning of what is kept: Barman deletes neither."""
ARCHIVE_SECONDS = 60
"""So often at least what was written goes into the archive, which takes whole segments alone."""
_DAY, _MINUTES = 86_400, 1440
_DATA = {"zstd": "gzip", "lz4": "gzip"}
"""Of base backups: of what the operator offers, gzip is what every Barman's tools have (3.13 refuses lz4)."""


@dataclass(frozen=True)
class StoredArchive:
    """One service's archive."""

    settings: ObjectStoreSettings
    policy: BackupPolicy
    url: str
    plugin: bool
    """Whether the plugin fills it, and not the operator itself."""

    def parameters(self) -> Mapping[str, str]:
        """PostgreSQL's, which services.yaml may set otherwise."""
        return {"archive_timeout": f"{max(self.policy.lag_limit, ARCHIVE_SECONDS)}s"}

    def in_cluster(self) -> Manifest:
        """What the service's Cluster says of it."""
        if self.plugin:
            named = {"barmanObjectName": OBJECT_STORE, "serverName": CLUSTER}
            return {"plugins": [{"name": PLUGIN, "isWALArchiver": True, "parameters": named}]}
        return {"backup": {"barmanObjectStore": self._store(), "retentionPolicy": self._retention()}}

    def object_store(self) -> Manifest | None:
        """The plugin's object beside the Cluster."""
        if not self.plugin:
            return None
        store = {key: one for key, one in self._store().items() if key != "serverName"}
        return {"configuration": store, "retentionPolicy": self._retention()}

    def backup(self) -> Manifest:
        """What a Backup, and a schedule of them, says beside its Cluster."""
        if self.plugin:
            return {"method": "plugin", "pluginConfiguration": {"name": PLUGIN}}
        return {"method": "barmanObjectStore"}

    def schedule(self) -> Manifest:
        """The schedule of full backups; the first one at once."""
        return {
            **self.backup(),
            "schedule": schedule(self.policy),
            "cluster": {"name": CLUSTER},
            "backupOwnerReference": "none",
            "immediate": True,
        }

    def source(self) -> Manifest:
        """Where a Cluster that is restored reads, but for the name that it has there."""
        if self.plugin:
            named = {"barmanObjectName": OBJECT_STORE, "serverName": CLUSTER}
            return {"plugin": {"name": PLUGIN, "parameters": named}}
        return {"barmanObjectStore": self._store()}

    def _store(self) -> Manifest:
        compression = self.policy.compression
        wal: Manifest = {"maxParallel": 2}
        if compression != "none":
            wal["compression"] = compression
        store: Manifest = {
            "destinationPath": self.url,
            "endpointURL": self.settings.endpoint,
            "serverName": CLUSTER,
            "s3Credentials": {
                "accessKeyId": {"name": SECRET, "key": KEY_ID},
                "secretAccessKey": {"name": SECRET, "key": KEY},
            },
            "wal": wal,
        }
        if compression in _DATA:
            store["data"] = {"compression": _DATA[compression]}
        if self.settings.region is not None:
            store["s3Credentials"]["region"] = {"name": SECRET, "key": REGION}
        if self.settings.authority is not None:
            store["endpointCA"] = {"name": SECRET, "key": AUTHORITY}
        return store

    def _retention(self) -> str:
        return f"{-(-self.policy.keep // _DAY)}d"


def schedule(policy: BackupPolicy) -> str:
    """With seconds first, as the operator reads it. In a window: when it begins, on as many days as it takes
    for a backup to be no rarer than wanted; longer than a day is never more often than once a day."""
    if policy.window is None:
        return f"@every {policy.full_every}s"
    hour, minute = divmod(policy.window[0] % _MINUTES, 60)
    days = max(1, policy.full_every // _DAY)
    return f"0 {minute} {hour} {f'*/{days}' if days > 1 else '*'} * *"


def archives(
    settings: Settings, catalogue: Catalogue, plan: StackPlan, *, plugin: bool
) -> dict[str, StoredArchive]:
    """By service; only for settings that `problems` finds nothing wrong with."""
    store = settings.kubernetes.backups
    if store is None:
        return {}
    return {
        name: StoredArchive(
            store, entry.backup.policy, store.url(plan.services[name].namespace, name), plugin
        )
        for name, entry in _backed_up(settings, catalogue).items()
    }


def problems(settings: Settings, catalogue: Catalogue) -> list[Problem]:
    """What of the services' `backup` cannot be had in an object store; keys and files that are missing."""
    store = settings.kubernetes.backups
    if store is None:
        return []
    found: list[Problem] = []
    if store.authority is not None and not Path(store.authority).expanduser().is_file():
        fix = "name the file of the CA's certificate, or remove the key where the image knows the CA"
        found.append(Problem("kubernetes.backups.authority", f"{store.authority} is no file", fix))
    for name, entry in _backed_up(settings, catalogue).items():
        given = settings.backup_keys.get(name)
        key = None if given is None else given.get_secret_value()
        found += _of_entry(name, entry.backup)
        if key is None or not all(key.partition(":")):
            what = "not set" if key is None else "not ID:SECRET"
            fix = f"export {entry.backup_key_variable}=ID:SECRET, a key that opens this service's place alone"
            found.append(Problem(f"backupKeys.{name}", what, fix))
    return found


def _backed_up(settings: Settings, catalogue: Catalogue) -> dict[str, ServiceEntry]:
    deployed = settings.deployed(catalogue) if settings.backups else {}
    return {name: entry for name, entry in deployed.items() if entry.backup.enabled}


def _of_entry(service: str, entry: BackupEntry) -> Iterator[Problem]:
    where = f"services.yaml: services.{service}.backup"
    if entry.encryption is not None:
        fix = "leave it out, and let the object store encrypt what it keeps"
        yield Problem(f"{where}.encryption", "CloudNativePG encrypts to no OpenPGP key", fix)
    if entry.incremental is not None:
        yield Problem(f"{where}.incremental", "CloudNativePG takes no incremental backups", "leave it out")
    if entry.synchronous:
        fix = "leave it out: WAL goes to the object store in whole segments, not commit by commit"
        yield Problem(f"{where}.synchronous", "no commit can wait for an object store", fix)
    if entry.keep_at_least > KEPT_ANYWAY:
        what = f"Barman's tools for object stores keep {KEPT_ANYWAY} whatever their age, and no more"
        yield Problem(f"{where}.keepAtLeast", what, f"lower it to {KEPT_ANYWAY}, or make `keep` longer")
