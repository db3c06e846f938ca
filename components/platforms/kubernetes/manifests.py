"""What a service's namespace holds, but for policies and the gateway's files: specs of objects. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from components.platforms.kubernetes import reads
from components.platforms.kubernetes.operator_parameters import PRELOADED
from components.platforms.kubernetes.plan import CLUSTER, GATEWAY_MEMORY, PORT, ServicePlan
from components.platforms.kubernetes.policies import APP

if TYPE_CHECKING:
    from components.platforms.interface import InstanceArgs
    from components.settings.kubernetes import KubernetesSettings

Manifest = dict[str, Any]

STACK, SERVICE = "waqiti/stack", "waqiti/service"
"""Labels of all that a stack makes."""
SUPERUSER_SECRET, AUTHORITY_MAP = "db-administrator", "shared-authority"
AUTHORITY_KEY = "source-ca.crt"
SMART_SECONDS = 10
"""So long a server that stops waits for sessions to leave, which the gateway's never do; 180 by default."""
PRIMARY: Mapping[str, str] = {"cnpg.io/cluster": CLUSTER, "cnpg.io/instanceRole": "primary"}
GATEWAY_SECRET, ROUTE_SECRET = "gateway", "gateway-route"
RENEWAL_SECONDS = 30
"""So often a gateway's pod looks for certificates that were renewed."""
GATEWAY_SECONDS = 60
"""So long a gateway's pod that is to go lets its transactions end."""
GATEWAY_FOLDER, ROUTE_FOLDER, TLS_FOLDER = "/etc/gateway", "/etc/gateway-route", "/etc/gateway-tls"

PATIENT: Mapping[str, str] = {"wal_receiver_timeout": "60s", "wal_sender_timeout": "60s"}
"""While a service may move, PostgreSQL's own time-outs: after the operator's 5 s a subscription would begin a
transaction again and again that its publisher takes longer to decode (a large one of others' tables)."""


def quantity(kilobytes: int) -> str:
    """As the API gives it back, in the largest unit without a fraction: else a preview finds a change."""
    units = ["Ki", "Mi", "Gi", "Ti"]
    while kilobytes and kilobytes % 1024 == 0 and len(units) > 1:
        kilobytes //= 1024
        units.pop(0)
    return f"{kilobytes}{units[0]}"


def labels(stack: str, service: str) -> Manifest:
    return {STACK: stack, SERVICE: service}


def quota(plan: ServicePlan, settings: KubernetesSettings) -> Manifest:
    """One pod of each kind more than there are: for a job that makes an instance, a gateway's successor. With
    an archive also one that is restored, one that is proven, and the volume that a restored one replaced."""
    beside, kept = (2, 1) if settings.backups is not None else (0, 0)
    instances = settings.instances + 1 + beside
    memory = instances * plan.memory + (settings.gateways + 1) * GATEWAY_MEMORY
    return {
        "hard": {
            "requests.memory": quantity(memory),
            "limits.memory": quantity(memory),
            "pods": str(settings.instances + settings.gateways + 2 + beside),
            "requests.storage": quantity(settings.storage * (instances + kept)),
        }
    }


def limits() -> Manifest:
    """Of a pod that says nothing of memory itself: a quota asks that all do."""
    small = {"memory": quantity(GATEWAY_MEMORY)}
    return {"limits": [{"type": "Container", "default": small, "defaultRequest": small}]}


def cluster(
    plan: ServicePlan,
    settings: KubernetesSettings,
    args: InstanceArgs,
    stack: str,
    *,
    authority: bool,
    read: Sequence[str] = (),
) -> Manifest:
    """CloudNativePG's Cluster. `authority`: the shared database's CA is mounted for subscriptions; so are
    those of the services that are `read`, each as soon as it is known.
    """
    memory = quantity(plan.memory)
    own = {key: one for key, one in args.parameters.items() if key != PRELOADED}
    parameters = {**PATIENT, **own} if settings.link else own
    mounted = [*([_projected(AUTHORITY_MAP, AUTHORITY_KEY)] if authority else []), *map(reads.mounted, read)]
    return {
        "instances": settings.instances,
        "imageName": settings.postgres_image,
        "enableSuperuserAccess": True,
        "superuserSecret": {"name": SUPERUSER_SECRET},
        "bootstrap": {
            "initdb": {
                # The operator insists on a database of its own making; pg_hba.conf lets nobody into it.
                "database": "app",
                "owner": "app",
                "encoding": "UTF8",
                "localeCollate": "C",
                "localeCType": "C",
                "dataChecksums": True,
            }
        },
        "storage": {
            "size": quantity(settings.storage),
            **({"storageClass": settings.storage_class} if settings.storage_class else {}),
        },
        "resources": {"requests": {"cpu": "50m", "memory": memory}, "limits": {"memory": memory}},
        "smartShutdownTimeout": SMART_SECONDS,
        "affinity": {"enablePodAntiAffinity": True, "topologyKey": "kubernetes.io/hostname"},
        "certificates": {"serverAltDNSNames": names(plan, args.host)},
        "inheritedMetadata": {"labels": labels(stack, args.service)},
        "postgresql": {
            "parameters": dict(sorted(parameters.items())),
            "pg_hba": hba_lines(args),
        },
        **({"projectedVolumeTemplate": {"sources": mounted}} if mounted else {}),
    }


def names(plan: ServicePlan, host: str) -> list[str]:
    """The endpoint's names in the certificate, which gateway and instance share."""
    return [host, f"{host}.{plan.namespace}", plan.dns(host), f"{plan.dns(host)}.cluster.local"]


def hba_lines(args: InstanceArgs) -> list[str]:
    """Between the operator's own first lines and its last one, which would let everybody in with a password.

    Who gets as far as this at all is for the policies: behind a Service of a node's port a client's address
    may be the node's.
    """
    database = f'"{args.database}"'
    admitted = [(f"{database},postgres,template1", args.administrator)]
    admitted += [(database, role) for role in (*args.roles, *args.replication_roles, *args.reading_roles)]
    admitted += [("replication", role) for role in args.replication_roles]
    lines = [f'hostssl {where} "{role}" all scram-sha-256' for where, role in dict.fromkeys(admitted)]
    return [*lines, "host all all all reject"]


def instance_service(plan: ServicePlan) -> Manifest:
    """The primary at an address that a preview knows."""
    return _service(PRIMARY, PORT, PORT, plan.instance_address)


def gateway_service(plan: ServicePlan, port: int) -> Manifest:
    """The endpoint."""
    return _service(APP, port, port, plan.gateway_address)


def way_back(node_port: int) -> Manifest:
    """For the shared database. Policies see who comes: with `Cluster` they would see the node."""
    service = _service(PRIMARY, PORT, PORT, None)
    service["ports"][0]["nodePort"] = node_port
    return {**service, "type": "NodePort", "externalTrafficPolicy": "Local"}


def deployment(
    plan: ServicePlan, settings: KubernetesSettings, port: int, stack: str, service: str
) -> Manifest:
    """The gateway's pods. Each begins where the Secret says."""
    user, group = (int(number) for number in settings.gateway_user.split(":"))
    memory = quantity(GATEWAY_MEMORY)
    # By SIGTERM PgBouncer waits for clients to leave, which pooled ones never do: they would be cut in the
    # middle. By SIGINT it lets transactions end and goes; first everybody has to know that it is leaving.
    end = f"sleep 2; kill -INT 1; sleep {GATEWAY_SECONDS}"
    # PgBouncer reads certificates when it is told to, and the operator renews them long before they end.
    given = f"cat {TLS_FOLDER}/server/tls.crt {TLS_FOLDER}/ca/ca.crt | cksum"
    renewed = f'is=$({given}); [ "$is" = "$was" ] || {{ was=$is; kill -HUP 1; }}'
    begin = (
        f"was=$({given})\n(while sleep {RENEWAL_SECONDS}; do {renewed}; done) &\n"
        f"exec pgbouncer {GATEWAY_FOLDER}/$(cat {ROUTE_FOLDER}/route).ini"
    )
    return {
        "replicas": settings.gateways,
        "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "selector": {"matchLabels": dict(APP)},
        "template": {
            "metadata": {"labels": {**APP, **labels(stack, service)}},
            "spec": {
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "terminationGracePeriodSeconds": GATEWAY_SECONDS,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": user,
                    "runAsGroup": group,
                    "fsGroup": group,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "affinity": {
                    "podAntiAffinity": {
                        "preferredDuringSchedulingIgnoredDuringExecution": [
                            {
                                "weight": 100,
                                "podAffinityTerm": {
                                    "labelSelector": {"matchLabels": dict(APP)},
                                    "topologyKey": "kubernetes.io/hostname",
                                },
                            }
                        ]
                    }
                },
                "containers": [
                    {
                        "name": "pgbouncer",
                        "image": settings.gateway_image,
                        "command": ["sh", "-ec", begin],
                        "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", end]}}},
                        "ports": [{"name": "postgres", "containerPort": port}],
                        "readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 2},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                        "resources": {
                            "requests": {"cpu": "20m", "memory": memory},
                            "limits": {"memory": memory},
                        },
                        "volumeMounts": [
                            _mount("config", GATEWAY_FOLDER),
                            _mount("route", ROUTE_FOLDER),
                            _mount("server", f"{TLS_FOLDER}/server"),
                            _mount("authority", f"{TLS_FOLDER}/ca"),
                            {"name": "run", "mountPath": "/run/gateway"},
                        ],
                    }
                ],
                "volumes": [
                    _secret("config", GATEWAY_SECRET),
                    _secret("route", ROUTE_SECRET),
                    _secret("server", f"{CLUSTER}-server"),
                    _secret("authority", f"{CLUSTER}-ca", [{"key": "ca.crt", "path": "ca.crt"}]),
                    {"name": "run", "emptyDir": {"medium": "Memory"}},
                ],
            },
        },
    }


def disruption_budget() -> Manifest:
    """Nodes that are drained take one gateway at a time; a single one must not keep its node from it."""
    return {"maxUnavailable": 1, "selector": {"matchLabels": dict(APP)}}


def _service(selector: Mapping[str, str], port: int, target: int, address: str | None) -> Manifest:
    ports: Sequence[Manifest] = [{"name": "postgres", "port": port, "targetPort": target, "protocol": "TCP"}]
    given = {} if address is None else {"clusterIP": address}
    return {"selector": dict(selector), "ports": list(ports), **given}


def _projected(config_map: str, key: str) -> Manifest:
    return {"configMap": {"name": config_map, "items": [{"key": key, "path": key}]}}


def _mount(name: str, path: str) -> Manifest:
    return {"name": name, "mountPath": path, "readOnly": True}


def _secret(name: str, secret: str, items: list[Manifest] | None = None) -> Manifest:
    chosen = {} if items is None else {"items": items}
    return {"name": name, "secret": {"secretName": secret, "defaultMode": 0o440, **chosen}}
