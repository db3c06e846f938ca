"""A test cluster, a shared database beside it and a stack on Kubernetes, for acceptance tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.contract import Endpoint
from demo.database import build_database
from demo.environment import own_cluster
from demo.environment.own_cluster import CONTEXT, HOST_ADDRESS, NODE_ADDRESS, PODS
from servers import binaries, ports
from servers.certificates import Authority
from servers.kubernetes_api import ClusterApi
from servers.paths import cache_dir
from servers.postgres import PostgresServer
from tests.acceptance.stack import Stack
from tests.support.docker_stacks import (
    ADMINISTRATOR,
    APPLICATION,
    DEMO_SCALE,
    PARAMETERS,
    SOURCE_HOST,
    DockerStack,
)
from tests.support.folders import own_folder
from tests.support.object_stores import ObjectStore
from tests.support.places import REPOSITORY

SERVICES = ("user", "notification")
_SECONDS = 900


@contextmanager
def kubernetes_cluster() -> Iterator[Path]:
    """The kubeconfig of a cluster that is started for the tests and gone afterwards.

    Skipped unless asked for by `WAQITI_KUBERNETES_TESTS`: what it runs takes many minutes to build, once.
    A test cluster that runs already is taken where `WAQITI_KUBERNETES_CONFIG` names its kubeconfig.
    """
    if os.environ.get("WAQITI_KUBERNETES_TESTS") != "1":
        # Also where everything is required: CI does not build the cluster yet (CONTRIBUTING.md).
        pytest.skip("Kubernetes is tested where WAQITI_KUBERNETES_TESTS=1 is set (CONTRIBUTING.md)")
    if given := os.environ.get("WAQITI_KUBERNETES_CONFIG"):
        yield Path(given)
        return
    folder = Path(tempfile.mkdtemp(prefix="wqtk"))
    try:
        yield Path(_script("start", str(folder)).splitlines()[-1])
    finally:
        _script("stop", str(folder))


def _script(*arguments: str) -> str:
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run(
            [REPOSITORY / "script" / "test-cluster", *arguments],
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        said.seek(0)
        assert done.returncode == 0, said.read()[-2000:]
    return done.stdout.strip()


@dataclass
class KubernetesStack(DockerStack):
    """A stack on the test cluster and the shared database that its gateways lead to at first; `host` is the
    kubeconfig's path."""

    @property
    def api(self) -> ClusterApi:
        return ClusterApi(CONTEXT, self.host)

    def kill_primary(self, service: str) -> None:
        """End a service's primary with its pod at once; back once it serves again."""
        namespace = f"waqiti-test-{service}"
        (pod,) = self.api.listed("Pod", namespace, "cnpg.io/instanceRole=primary")
        name, old = pod["metadata"]["name"], pod["metadata"]["uid"]
        subprocess.run(
            [cache_dir() / "kubernetes" / "bin" / "kubectl", "--kubeconfig", self.host, "-n", namespace,
             "delete", "pod", name, "--force", "--grace-period=0"],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            for pod in self.api.listed("Pod", namespace, "cnpg.io/instanceRole=primary"):
                ready = any(
                    one["type"] == "Ready" and one["status"] == "True"
                    for one in pod["status"].get("conditions", ())
                )
                if pod["metadata"]["uid"] != old and ready:
                    return
            time.sleep(0.5)
        raise AssertionError(f"{service}'s primary did not come back")

    def inside(self, service: str, command: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """A shell command in the service's first instance; `given` is its input."""
        return subprocess.run(
            [cache_dir() / "kubernetes" / "bin" / "kubectl", "--kubeconfig", self.host, "-n",
             f"waqiti-test-{service}", "exec", "-i", "db-1", "-c", "postgres", "--", "sh", "-c", command],
            input=given, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def objects(self, service: str, kind: str, labels: str = "") -> list[str]:
        """The names of those objects in a service's namespace."""
        found = self.api.listed(kind, f"waqiti-test-{service}", labels)
        return sorted(one["metadata"]["name"] for one in found)


def kubernetes_settings(kubeconfig: Path, authority: Path, port: int) -> dict[str, Any]:
    """Configuration of a stack of two services, small."""
    return {
        "platform": "kubernetes",
        "scale": "0.1",
        "keepData": False,
        "protectData": False,
        "services": list(SERVICES),
        "kubernetes": own_cluster.settings(kubeconfig),
        "source": {
            "host": SOURCE_HOST,
            "address": HOST_ADDRESS,
            "port": port,
            "database": "waqiti",
            "sslmode": "verify-full",
            "sslrootcert": str(authority),
            "administrator": {"name": ADMINISTRATOR.name},
            "application": {"name": APPLICATION.name},
        },
    }


@contextmanager
def kubernetes_stack(
    kubeconfig: Path, changes: Mapping[str, Any] | None = None, backups: ObjectStore | None = None
) -> Iterator[KubernetesStack]:
    """A stack, not yet up, and the demo's shared database, which answers; all of it goes away. With `backups`
    its services are backed up there."""
    folder = own_folder()
    source, authority = _source(folder / "source")
    settings = {**kubernetes_settings(kubeconfig, authority, source.port), **(changes or {})}
    if backups is not None:
        settings["kubernetes"] |= {
            "postgresImage": "localhost/postgresql:17-barman",
            "backups": {
                "endpoint": backups.endpoint,
                "addresses": [f"{HOST_ADDRESS}/32"],
                "authority": str(backups.authority),
            },
        }
    # Pulumi's plugin for Kubernetes, which this SDK would download, is the test cluster's.
    programs = cache_dir() / "kubernetes" / "bin"
    variables = {
        "PATH": f"{os.environ['PATH']}{os.pathsep}{programs}",
        "SOURCE_DB_ADMIN_PASSWORD": ADMINISTRATOR.password.get_secret_value(),
        "SOURCE_DB_PASSWORD": APPLICATION.password.get_secret_value(),
        **_backup_keys(backups),
    }
    source.start()
    try:
        endpoint = Endpoint(
            host=SOURCE_HOST,
            address=HOST_ADDRESS,
            port=source.port,
            database="waqiti",
            sslrootcert=str(authority),
        )
        build_database(endpoint, ADMINISTRATOR, APPLICATION, scale=DEMO_SCALE)
        stack = Stack(folder, settings, variables)
        try:
            yield KubernetesStack(stack, source, authority, str(kubeconfig))
        finally:
            with suppress(AssertionError):  # what is left goes with the cluster
                stack.destroy()
    finally:
        source.stop("immediate")
        shutil.rmtree(folder)


def _backup_keys(store: ObjectStore | None) -> dict[str, str]:
    keys = {} if store is None else store.keys
    return {f"{service.upper()}_DB_BACKUP_KEY": key for service, key in keys.items()}


def _source(folder: Path) -> tuple[PostgresServer, Path]:
    tls = folder / "tls"
    authority = Authority.create(tls, "the shared database of a test")
    authority.issue(tls, names=[SOURCE_HOST], addresses=[HOST_ADDRESS])
    server = PostgresServer(
        binaries.postgres_bin(17),
        folder / "data",
        ports.free_port(),
        folder / "sockets",
        folder / "log/start.log",
    )
    server.initialise(ADMINISTRATOR.name, ADMINISTRATOR.password.get_secret_value(), sync=False)
    encrypted = {
        "ssl": "on",
        "ssl_cert_file": str(tls / "server.crt"),
        "ssl_key_file": str(tls / "server.key"),
        "listen_addresses": f"127.0.0.1,{HOST_ADDRESS}",
    }
    hba = ["local all all peer map=waqiti"]
    for address in ("127.0.0.1/32", f"{HOST_ADDRESS}/32", f"{NODE_ADDRESS}/32", PODS):
        hba += [f"hostssl {what} all {address} scram-sha-256" for what in ("all", "replication")]
    server.configure({**PARAMETERS, **encrypted}, hba)
    return server, authority.certificate
