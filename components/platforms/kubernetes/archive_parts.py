"""What a stack declares of a service's archive: its key, the schedule, the plugin's object."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi
import pulumi_kubernetes as kubernetes

from components.contract import BackupControl
from components.contract import StoredArchive as Control
from components.platforms.kubernetes import archive, manifests
from components.platforms.kubernetes.plan import CLUSTER

if TYPE_CHECKING:
    from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict
    from pydantic import SecretStr

    from components.platforms.kubernetes.cluster import KubernetesCluster

Meta = Callable[..., "ObjectMetaArgsDict"]
"""Takes an object's name and labels of its own, gives its metadata."""


def before_cluster(
    name: str, stored: archive.StoredArchive, key: SecretStr, meta: Meta, opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """What has to be there before the Cluster archives: the service's own key, and the plugin's object."""
    identity, _, word = key.get_secret_value().partition(":")
    given = {archive.KEY_ID: pulumi.Output.secret(identity), archive.KEY: pulumi.Output.secret(word)}
    if stored.settings.region is not None:
        given[archive.REGION] = pulumi.Output.from_input(stored.settings.region)
    if stored.settings.authority is not None:
        text = Path(stored.settings.authority).expanduser().read_text(encoding="utf-8")
        given[archive.AUTHORITY] = pulumi.Output.from_input(text)
    metadata = meta(archive.SECRET, {"cnpg.io/reload": "true"})
    secret = kubernetes.core.v1.Secret(f"{name}-store", metadata=metadata, string_data=given, opts=opts)
    spec = stored.object_store()
    if spec is None:
        return [secret]
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[secret]))
    store = kubernetes.apiextensions.CustomResource(
        f"{name}-object-store",
        api_version="barmancloud.cnpg.io/v1",
        kind="ObjectStore",
        metadata=meta(archive.OBJECT_STORE),
        spec=spec,
        opts=after,
    )
    return [secret, store]


def schedule(
    name: str, stored: archive.StoredArchive, meta: Meta, opts: pulumi.ResourceOptions
) -> pulumi.Resource:
    """Full backups by themselves, the first one at once."""
    return kubernetes.apiextensions.CustomResource(
        name,
        api_version="postgresql.cnpg.io/v1",
        kind="ScheduledBackup",
        metadata=meta(archive.SCHEDULE),
        spec=stored.schedule(),
        opts=opts,
    )


def control(cluster: KubernetesCluster, service: str, stored: archive.StoredArchive) -> BackupControl:
    """How the archive is found, restored and looked at."""
    return BackupControl(
        platform="kubernetes",
        service=service,
        folder=str(cluster.folder / service / "backups"),
        slot="",
        binaries="",
        policy=stored.policy,
        stored=Control(
            **cluster.access(service),
            cluster=CLUSTER,
            url=stored.url,
            administrator_secret=manifests.SUPERUSER_SECRET,
            backup=stored.backup(),
            source=stored.source(),
            schedule=archive.SCHEDULE,
        ),
    )
