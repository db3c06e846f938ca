"""The Kubernetes platform: for each service a namespace, in it a CloudNativePG cluster and a gateway of
several pods behind the endpoint's Service. What may reach what is in `policies`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.contract import BackupControl, MonitoringControl
from components.locale import PLAIN
from components.platforms.interface import (
    BackupArgs,
    Gateway,
    GatewayArgs,
    Instance,
    InstanceArgs,
    MonitoringArgs,
    Network,
    NetworkArgs,
)
from components.platforms.kubernetes import (
    archive_parts,
    controls,
    gateway_files,
    link,
    manifests,
    policies,
    reading,
)
from components.platforms.kubernetes import plan as kubernetes_plan
from components.platforms.kubernetes.cluster import KubernetesCluster
from components.platforms.kubernetes.route import GatewayRoute
from components.platforms.kubernetes.serving import KubernetesInstance
from components.problems import ConfigurationError, Problem
from servers.pgbouncer_versions import parse

if TYPE_CHECKING:
    from components.backup.points import RestorePointsEntry
    from components.catalogue.model import Catalogue
    from components.settings.model import Settings


GATEWAY_SECONDS = "300"
"""So long Pulumi waits for a gateway's pods; its servers are there by then."""


class ServiceNamespace(pulumi.ComponentResource):
    """A namespace with its limits and policies: what all else of a service depends on."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("waqiti:kubernetes:Namespace", name, None, opts)


class KubernetesPlatform:
    """`components.platforms.interface.Platform` with one cluster that is there."""

    def __init__(self, settings: Settings, catalogue: Catalogue, project: str, stack: str) -> None:
        """Looks at the cluster first. Raises ConfigurationError with every problem there is."""
        self._settings = settings
        self._cluster = KubernetesCluster.look(settings, catalogue, project, stack)
        self._provider = kubernetes.Provider(
            "kubernetes",
            context=settings.kubernetes.context,
            kubeconfig=settings.kubernetes.kubeconfig,
            enable_server_side_apply=True,
            enable_secret_mutable=True,
        )
        self._ports = {
            name: settings.endpoint_port(entry) for name, entry in settings.deployed(catalogue).items()
        }
        self._spaces: dict[str, ServiceNamespace] = {}
        self._serving: dict[str, KubernetesInstance] = {}

    @property
    def way_to_shared(self) -> pulumi.Resource | None:
        """None: this machine reaches the shared database without the stack."""
        return None

    def network(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions) -> Network:
        """The service's namespace (restricted pods only), its quota, and who may reach whom in it."""
        cluster, plan = self._cluster, self._cluster.plan.services[args.service]
        whole = self._spaces[args.service] = ServiceNamespace(name, opts)
        kept = self._settings.protect_data and args.service not in self._settings.may_lose
        namespace = kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": plan.namespace,
                "labels": {
                    **manifests.labels(cluster.plan.label, args.service),
                    "pod-security.kubernetes.io/enforce": "restricted",
                },
            },
            # What is in a namespace goes with it.
            opts=self._options(whole, protect=kept, retain=kept or self._settings.keep_data),
        )
        after = self._options(whole, namespace)
        meta = self._meta(args.service)
        quota, limits = manifests.quota(plan, cluster.settings), manifests.limits()
        kubernetes.core.v1.ResourceQuota(
            f"{name}-quota", metadata=meta("quota"), spec=_typed(quota), opts=after
        )
        kubernetes.core.v1.LimitRange(
            f"{name}-limits", metadata=meta("limits"), spec=_typed(limits), opts=after
        )
        rules = policies.policies(
            args.service,
            self._ports[args.service],
            cluster.settings.operator_namespace,
            cluster.api_servers,
            cluster.settings.administration,
        )
        store = cluster.settings.backups
        if args.service in cluster.archives and store is not None:
            rules |= policies.store_policies(
                store.addresses, store.port, cluster.settings.operator_namespace, cluster.api_servers
            )
        for policy, spec in rules.items():
            kubernetes.networking.v1.NetworkPolicy(
                f"{name}-policy-{policy}", metadata=meta(policy), spec=_typed(spec), opts=after
            )
        whole.register_outputs({})
        return Network(whole, plan.gateway_address, str(cluster.authority(args.service)))

    def instance(self, name: str, args: InstanceArgs, opts: pulumi.ResourceOptions) -> Instance:
        """A CloudNativePG cluster, its primary at an address that a preview knows."""
        if args.locale != PLAIN:
            what = f"{args.locale} was not tried on this platform, whose images differ"
            fix = "leave it at C, or use another platform"
            raise ConfigurationError([Problem(f"services.yaml: services.{args.service}.locale", what, fix)])
        cluster, plan = self._cluster, self._cluster.plan.services[args.service]
        meta = self._meta(args.service)
        unprotected = self._options(opts.parent, args.network.resource)
        superuser = kubernetes.core.v1.Secret(
            f"{name}-administrator",
            metadata=meta(manifests.SUPERUSER_SECRET, {"cnpg.io/reload": "true"}),
            type="kubernetes.io/basic-auth",
            string_data={
                "username": args.administrator,
                "password": pulumi.Output.secret(args.administrator_password),
            },
            opts=unprotected,
        )
        before: list[pulumi.Resource] = [args.network.resource, superuser]
        if cluster.source_authority is not None:
            before.append(
                kubernetes.core.v1.ConfigMap(
                    f"{name}-authority",
                    metadata=meta(manifests.AUTHORITY_MAP),
                    data={manifests.AUTHORITY_KEY: cluster.source_authority},
                    opts=unprotected,
                )
            )
        stored = cluster.archives.get(args.service)
        if stored is not None:
            key = self._settings.backup_keys[args.service]
            before += archive_parts.before_cluster(name, stored, key, meta, unprotected)
            args = replace(args, parameters={**stored.parameters(), **args.parameters})
        spec = manifests.cluster(
            plan,
            cluster.settings,
            args,
            cluster.plan.label,
            authority=cluster.source_authority is not None,
            read=plan.reads,
        )
        spec |= {} if stored is None else stored.in_cluster()
        made = kubernetes.apiextensions.CustomResource(
            f"{name}-cluster",
            api_version="postgresql.cnpg.io/v1",
            kind="Cluster",
            metadata={
                **meta(kubernetes_plan.CLUSTER),
                # Waited for below, by who can say why it does not come.
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            spec=spec,
            opts=self._options(
                opts.parent,
                *before,
                protect=bool(opts.protect),
                retain=bool(opts.retain_on_delete) or args.keep_data,
            ),
        )
        service = kubernetes.core.v1.Service(
            f"{name}-service",
            # Ready as soon as it is there: its pods are waited for below.
            metadata=_typed({**meta("instance"), "annotations": {"pulumi.com/skipAwait": "true"}}),
            spec=_typed(manifests.instance_service(plan)),
            opts=unprotected,
        )
        endpoint = cluster.instance(args.service, args.database)
        resource = KubernetesInstance(
            name,
            {
                **cluster.access(args.service),
                "authority": endpoint.sslrootcert,
                "host": endpoint.host,
                "address": endpoint.address,
                "port": endpoint.port,
                "administrator": args.administrator,
                "administrator_password": pulumi.Output.secret(args.administrator_password),
                "configuration": _digest(spec),
            },
            pulumi.ResourceOptions(parent=opts.parent, depends_on=[made, service]),
        )
        self._serving[args.service] = resource
        objects = [list(one) for one in link.objects(self._link_manifests(args.service))]
        control = {
            "platform": "kubernetes",
            "binaries": "",
            "data": "",
            "sockets": "",
            "link": {**cluster.access(args.service), "objects": objects} if objects else None,
        }
        return Instance(resource, endpoint, control, names_address=False)

    def gateway(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions) -> Gateway:
        """A Deployment of PgBouncer behind the endpoint's Service, and the link to the shared database."""
        cluster, plan = self._cluster, self._cluster.plan.services[args.service]
        meta, access = self._meta(args.service), cluster.access(args.service)
        version = parse(cluster.settings.gateway_version)
        labels = manifests.labels(cluster.plan.label, args.service)
        folder = cluster.folder / args.service / "gateway"
        made_once = pulumi.ResourceOptions(parent=opts.parent, depends_on=[args.network.resource])
        route = GatewayRoute(
            f"{name}-route",
            {
                **access,
                "secret": manifests.ROUTE_SECRET,
                "labels": labels,
                "folder": str(folder),
                "keep_route": self._settings.keep_data,
            },
            made_once,
        )
        before: list[pulumi.Resource] = [route, self._serving[args.service]]
        linked = self._link_manifests(args.service)
        if linked:
            props = {**access, "secret": manifests.ROUTE_SECRET, "manifests": linked}
            options = pulumi.ResourceOptions(parent=opts.parent, depends_on=[args.network.resource, route])
            before.append(link.Link(f"{name}-link", props, options))
        files: pulumi.Output[dict[str, str]] = pulumi.Output.secret(self._files(args))
        secret = kubernetes.core.v1.Secret(
            f"{name}-files",
            metadata=meta(manifests.GATEWAY_SECRET),
            string_data=files,
            opts=self._options(opts.parent, args.network.resource),
        )
        spec = manifests.deployment(plan, cluster.settings, args.port, cluster.plan.label, args.service)
        # Mounted Secrets are stale for a minute: pods begin anew, one by one, when theirs has changed.
        content = pulumi.Output.unsecret(files.apply(_digest))
        spec["template"]["metadata"]["annotations"] = {"waqiti/files": content}
        deployment = kubernetes.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=_typed(
                {**meta("gateway"), "annotations": {"pulumi.com/timeoutSeconds": GATEWAY_SECONDS}}
            ),
            spec=_typed(spec),
            opts=self._options(opts.parent, secret, *before),
        )
        kubernetes.policy.v1.PodDisruptionBudget(
            f"{name}-disruptions",
            metadata=meta("gateway"),
            spec=_typed(manifests.disruption_budget()),
            opts=self._options(opts.parent, args.network.resource),
        )
        service = kubernetes.core.v1.Service(
            f"{name}-service",
            metadata=meta(args.host),
            spec=_typed(manifests.gateway_service(plan, args.port)),
            opts=self._options(opts.parent, deployment),
        )
        endpoint = cluster.endpoint(args.service, args.port, args.database, args.host)
        control = controls.gateway(args, endpoint, access, folder)
        return Gateway(service, endpoint, control, version)

    def backup(self, name: str, args: BackupArgs, opts: pulumi.ResourceOptions) -> BackupControl | None:
        """Full backups on a schedule, and WAL, in an object store; None where the settings name none."""
        stored = self._cluster.archives.get(args.service)
        if stored is None:
            return None
        after = self._options(opts.parent, self._serving[args.service])
        archive_parts.schedule(name, stored, self._meta(args.service), after)
        return archive_parts.control(self._cluster, args.service, stored)

    def monitoring(
        self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions
    ) -> MonitoringControl | None:
        """None yet: docs/decisions/0130-exporters.md says what is missing."""
        return None

    def restore_points(self, entry: RestorePointsEntry, contract: Mapping[str, Any]) -> None:
        """None by themselves: nothing of the stack runs there that would make them."""

    def let_through(
        self, name: str, reader: Instance, network: Network, opts: pulumi.ResourceOptions
    ) -> None:
        """Policies at both ends, and the CA certificate that the reader's subscriptions trust."""
        by = next(one for one, made in self._serving.items() if made is reader.resource)
        service = next(one for one, made in self._spaces.items() if made is network.resource)
        opts = self._options(opts.parent, self._spaces[by], network.resource)
        reading.let_through(name, self._cluster.plan, (by, service), self._serving[service].certificate, opts)

    def _files(self, args: GatewayArgs) -> pulumi.Output[dict[str, str]]:
        cluster, plan = self._cluster, self._cluster.plan.services[args.service]
        known: dict[str, Any] = {
            "port": args.port,
            "database": args.database,
            "service_role": args.service_role,
            "ddl_role": args.ddl_role,
            "source": {**args.way_to_shared, "host": args.source.endpoint.host},
            "settings": dict(args.pool_settings(parse(cluster.settings.gateway_version))),
            "instance": {"host": plan.instance_host, "port": kubernetes_plan.PORT},
            "administration": [str(one) for one in cluster.settings.administration],
            "source_authority": cluster.source_authority,
        }
        passwords = pulumi.Output.all(
            service_password=args.service_password,
            ddl_password=args.ddl_password,
            administrator_password=args.administrator_password,
            source_password=args.source.password,
        )
        return passwords.apply(lambda words: gateway_files.files({**known, **words}))

    def _link_manifests(self, service: str) -> list[dict[str, Any]]:
        source, plan = self._settings.source, self._cluster.plan.services[service]
        if not self._settings.kubernetes.link or source.address is None:
            return []
        labels = manifests.labels(self._cluster.plan.label, service)
        return link.manifests(
            plan.namespace,
            labels,
            host=source.host,
            address=source.address,
            port=source.port,
            node_port=plan.node_port,
        )

    def _meta(self, service: str) -> Any:
        """Makes the metadata of an object in the service's namespace."""
        own = manifests.labels(self._cluster.plan.label, service)
        namespace = self._cluster.plan.services[service].namespace

        def made(name: str, more: dict[str, str] | None = None) -> dict[str, Any]:
            return {"name": name, "namespace": namespace, "labels": {**own, **(more or {})}}

        return made

    def _options(
        self,
        parent: pulumi.Resource | None,
        *after: pulumi.Resource,
        protect: bool = False,
        retain: bool = False,
    ) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=parent,
            provider=self._provider,
            depends_on=list(after),
            protect=protect,
            retain_on_delete=retain,
        )


def _typed(spec: dict[str, Any]) -> Any:
    """A manifest as the API has it, which pulumi-kubernetes takes as it is."""
    return spec


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
