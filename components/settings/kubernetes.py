"""The Kubernetes platform's part of a stack's settings."""

from __future__ import annotations

from ipaddress import IPv4Network

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from components.settings.object_store import ObjectStoreSettings
from components.sizes import GB, Kilobytes


class KubernetesSettings(BaseModel):
    """Kubernetes platform: the cluster, images, addresses and disks."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    context: str = Field(default="", max_length=253)
    """Of the kubeconfig. It has to be named: a stack must not go wherever kubectl happens to point."""
    kubeconfig: str | None = None
    """Path; None: $KUBECONFIG, else ~/.kube/config."""
    postgres_image: str = Field(default="ghcr.io/cloudnative-pg/postgresql:17", min_length=1)
    """Of the instances, made for CloudNativePG; best with a digest."""
    gateway_image: str = Field(default="", max_length=253)
    """An image with `pgbouncer`, `sh`, `cat`, `cksum` and `sleep` on its PATH."""
    gateway_version: str = Field(default="1.24.1", pattern=r"^1\.\d+(\.\d+)?$")
    """Of its PgBouncer, which cannot be asked before it runs: 1.22 or newer."""
    gateway_user: str = Field(default="998:996", pattern=r"^[1-9]\d*:[1-9]\d*$")
    """User and group that it runs as, as numbers."""
    instances: int = Field(default=3, ge=1, le=9)
    """Of each service's cluster: a primary and its standbys."""
    gateways: int = Field(default=2, ge=1, le=9)
    """Replicas of each service's gateway."""
    storage: Kilobytes = Field(default=50 * GB, ge=GB)
    """Of each instance's volume."""
    storage_class: str | None = None
    """None: the cluster's default."""
    addresses: IPv4Network | None = None
    """Part of the cluster's range of Service addresses in which each service gets two, always the same ones
    (by its port), so that a preview knows them, and a machine outside that has routes to the cluster reaches
    them. None: names only, which resolve inside the cluster."""
    administration: tuple[IPv4Network, ...] = ()
    """Where `pulumi up` and `python -m migration` run: what instances and gateways' consoles let in beside
    the services' own clients."""
    node_address: str | None = None
    """A node's, where the shared database reaches a service's instance on its way back."""
    node_port: int = Field(default=30433, ge=30000, le=32767)
    """The first of those ports, one a service."""
    operator_namespace: str = "cnpg-system"
    """Where CloudNativePG's operator runs."""
    link: bool = True
    """Whether services and the shared database reach each other, until every service's move is finished."""
    backups: ObjectStoreSettings | None = None
    """Where services are backed up to as services.yaml says; None: they are not."""
