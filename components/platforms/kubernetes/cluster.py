"""What a stack knows of its cluster, looked up before anything is made there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.contract import Endpoint, Followers
from components.platforms.kubernetes import archive, reads, room
from components.platforms.kubernetes import plan as kubernetes_plan
from components.platforms.kubernetes.manifests import STACK
from components.problems import ConfigurationError, Problem
from servers import paths
from servers.errors import ServerError
from servers.kubernetes_api import ClusterApi
from servers.pgbouncer_versions import parse

if TYPE_CHECKING:
    from components.catalogue.model import Catalogue
    from components.settings.kubernetes import KubernetesSettings
    from components.settings.model import Settings

OLDEST_OPERATOR = (1, 30)
"""What its layout was tried with by hand; older ones were not."""
INSTALL = (
    "kubectl apply --server-side -f https://raw.githubusercontent.com/cloudnative-pg/cloudnative-pg/"
    "release-1.30/releases/cnpg-1.30.0.yaml"
)
PLUGIN_INSTALL = "kubectl apply -f https://github.com/cloudnative-pg/plugin-barman-cloud/releases/latest/download/manifest.yaml"
_WITHOUT_STORE = (1, 31)
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


@dataclass(frozen=True)
class KubernetesCluster:
    """A cluster that has what the stack needs, and the stack's own place on it and on this machine."""

    api: ClusterApi
    plan: kubernetes_plan.StackPlan
    settings: KubernetesSettings
    api_servers: tuple[tuple[str, int], ...]
    """Addresses and ports behind the API server's Service."""
    folder: Path
    """The stack's files on this machine: the CA certificates of its servers."""
    source_authority: str | None
    """The certificate of the shared database's CA; None: the settings name none, or it is not here yet."""
    archives: Mapping[str, archive.StoredArchive] = field(default_factory=dict)
    """Of the services that are backed up."""

    @classmethod
    def look(cls, settings: Settings, catalogue: Catalogue, project: str, stack: str) -> KubernetesCluster:
        """Makes nothing. Raises ConfigurationError with every problem there is."""
        wanted = settings.kubernetes
        found = kubernetes_plan.problems(settings, catalogue, project, stack)
        found += archive.problems(settings, catalogue)
        if found:
            raise ConfigurationError(map(_of_this_platform, found))
        plan = kubernetes_plan.stack_plan(settings, catalogue, project, stack)
        api = ClusterApi(wanted.context, wanted.kubeconfig)
        try:
            api.version()
            plugin = api.find("CustomResourceDefinition", archive.PLUGIN_KIND) is not None
            archives = archive.archives(settings, catalogue, plan, plugin=plugin)
            found = [
                *_operator(api, wanted.operator_namespace, needs_store=bool(archives) and not plugin),
                *_storage(api, wanted.storage_class),
                *_namespaces(api, plan),
                *room.memory(api, plan, wanted),
                *room.volumes(api, plan),
            ]
            servers = tuple(_api_servers(api))
        except ServerError as error:
            problem = Problem("kubernetes.context", f"{error.where} {error.seen}", error.to_do)
            raise ConfigurationError([_of_this_platform(problem)]) from error
        if found:
            raise ConfigurationError(map(_of_this_platform, found))
        root = Path(settings.state_folder).expanduser() if settings.state_folder else paths.state_dir()
        authority = Path(settings.source.sslrootcert) if settings.source.sslrootcert else None
        return cls(
            api=api,
            plan=plan,
            settings=wanted,
            api_servers=servers,
            folder=paths.stack_dir(project, stack, root.absolute()),
            source_authority=authority.read_text() if authority and authority.is_file() else None,
            archives=archives,
        )

    def access(self, service: str) -> dict[str, Any]:
        """How a service's namespace is reached, for dynamic resources and the contract."""
        return {
            "context": self.api.context,
            "kubeconfig": self.api.kubeconfig,
            "namespace": self.plan.services[service].namespace,
        }

    def authority(self, service: str) -> Path:
        """The CA certificate of a service's servers, which the operator made, on this machine."""
        return self.folder / service / "tls" / "ca.crt"

    def endpoint(self, service: str, port: int, database: str, host: str) -> Endpoint:
        """A service's gateway."""
        plan = self.plan.services[service]
        return Endpoint(
            host=plan.dns(host),
            address=plan.gateway_address,
            port=port,
            database=database,
            sslrootcert=str(self.authority(service)),
        )

    def instance(self, service: str, database: str) -> Endpoint:
        """A service's own PostgreSQL, as this machine and as the shared database reach it."""
        plan, authority = self.plan.services[service], str(self.authority(service))
        way_back = None
        if plan.node_port is not None:
            way_back = Followers(
                host=plan.instance_host,
                address=self.settings.node_address,
                port=plan.node_port,
                sslrootcert=authority,
            )
        return Endpoint(
            host=plan.instance_host,
            address=plan.instance_address,
            port=kubernetes_plan.PORT,
            database=database,
            sslrootcert=authority,
            followers=way_back,
            readers=Followers(
                host=plan.instance_host,
                port=kubernetes_plan.PORT,
                sslrootcert=f"{reads.FOLDER}/{reads.authority_key(service)}",
            ),
        )


def _of_this_platform(problem: Problem) -> Problem:
    return Problem(f"waqiti:platform: kubernetes: {problem.key}", problem.what, problem.fix)


def _operator(api: ClusterApi, namespace: str, *, needs_store: bool) -> Iterator[Problem]:
    """CloudNativePG is a prerequisite, which is never installed silently. `needs_store`: its own way to an
    object store has to be there still."""
    if api.find("CustomResourceDefinition", "clusters.postgresql.cnpg.io") is None:
        yield Problem("CloudNativePG", f"is not installed in {api.context}", INSTALL)
        return
    deployed = api.listed("Deployment", namespace, "app.kubernetes.io/name=cloudnative-pg")
    if not deployed:
        what = f"its operator does not run in the namespace {namespace} of {api.context}"
        yield Problem("CloudNativePG", what, f"set kubernetes.operatorNamespace, or {INSTALL}")
        return
    image = str(deployed[0]["spec"]["template"]["spec"]["containers"][0]["image"])
    version = parse(image.rpartition(":")[2])
    oldest = ".".join(map(str, OLDEST_OPERATOR))
    if version is not None and version[: len(OLDEST_OPERATOR)] < OLDEST_OPERATOR:
        what = f"{image} in {api.context} is older than {oldest}"
        yield Problem("CloudNativePG", what, f"update it: {INSTALL}")
    elif needs_store and version is not None and version[: len(_WITHOUT_STORE)] >= _WITHOUT_STORE:
        what = f"{image} has no way to an object store of its own any more"
        yield Problem("Barman Cloud Plugin", f"is not installed in {api.context}, and {what}", PLUGIN_INSTALL)
    elif not deployed[0].get("status", {}).get("availableReplicas"):
        what = f"its operator in {api.context} is not ready, so that nothing would be made"
        yield Problem("CloudNativePG", what, f"see `kubectl -n {namespace} get pods`")


def _storage(api: ClusterApi, wanted: str | None) -> Iterator[Problem]:
    classes = {one["metadata"]["name"]: one for one in api.listed("StorageClass")}
    if wanted is not None and wanted not in classes:
        there = ", ".join(sorted(classes)) or "none"
        fix = f"name one that there is: {there}"
        yield Problem("kubernetes.storageClass", f"{wanted} is not in {api.context}", fix)
    default = any(
        (one["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true" for one in classes.values()
    )
    if wanted is None and not default:
        fix = f"set it to one of {', '.join(sorted(classes))}" if classes else "make a storage class there"
        yield Problem("kubernetes.storageClass", f"not set, and {api.context} has no default one", fix)


def _namespaces(api: ClusterApi, plan: kubernetes_plan.StackPlan) -> Iterator[Problem]:
    """Namespaces that somebody else has already."""
    for service in plan.services.values():
        found = api.find("Namespace", service.namespace)
        if found is not None and (found["metadata"].get("labels") or {}).get(STACK) != plan.label:
            what = f"exists in {api.context} and is not of the stack {plan.label}"
            fix = "remove or rename it, or give the stack another name; it was not touched"
            yield Problem(f"namespace {service.namespace}", what, fix)
        elif found is not None and "deletionTimestamp" in found["metadata"]:
            what = f"is being deleted in {api.context}, with all that is in it"
            fix = f"wait until it is gone (`kubectl wait --for=delete namespace/{service.namespace}`)"
            yield Problem(f"namespace {service.namespace}", what, fix)


def _api_servers(api: ClusterApi) -> Iterator[tuple[str, int]]:
    for piece in api.listed("EndpointSlice", "default", "kubernetes.io/service-name=kubernetes"):
        for end in piece.get("endpoints") or ():
            for port in piece.get("ports") or ():
                yield from ((str(address), int(port["port"])) for address in end["addresses"])
