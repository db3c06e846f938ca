"""A Docker Engine, a test image, a shared database and a stack on Docker, for acceptance tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.contract import Contract, Endpoint, Login
from demo.database import build_database
from demo.environment.docker_host import LINK_ADDRESS, SUBNET, docker_engine, image_name
from demo.errors import DemoError
from servers import binaries, ports
from servers.certificates import Authority
from servers.docker_engine import Engine
from servers.postgres import PostgresServer
from tests.acceptance.stack import Stack
from tests.support import forks
from tests.support.absence import absent
from tests.support.folders import own_folder, remove_leftovers
from tests.support.places import REPOSITORY

SOURCE_HOST = "postgres-shared"
ADMINISTRATOR = Login.model_validate({"name": "postgres", "password": "administrator-of-nothing"})
APPLICATION = Login.model_validate({"name": "waqiti_app", "password": "application-of-nothing"})
DEMO_SCALE = 0.005
PARAMETERS = {
    "wal_level": "logical",
    "max_replication_slots": "40",
    "max_wal_senders": "40",
    "max_logical_replication_workers": "40",
    "max_worker_processes": "60",
    "max_connections": "200",
    "wal_retrieve_retry_interval": "500ms",
    "fsync": "off",
}


@contextmanager
def docker_host(*, installed: bool = False) -> Iterator[str]:
    """`DOCKER_HOST` of an engine that has the test image; one at a time, because engines share the machine's
    firewall.

    `$DOCKER_HOST` where it is set. Else, where everything is required (CI), one started for the tests: the
    machine's own program if `installed`, however old.
    """
    given = os.environ.get("DOCKER_HOST")
    if given is None and not os.environ.get("WAQITI_REQUIRE_ALL"):
        absent("no Docker Engine: export DOCKER_HOST (script/docker-engine start FOLDER prints it)")
    # An engine that a killed session left may hold what is waited for here.
    remove_leftovers()
    try:
        with docker_engine(installed=installed) as host:
            yield host
    except DemoError as error:
        pytest.fail(str(error), pytrace=False)


def audited_image_name() -> str:
    """Of the test image that has pgaudit."""
    return f"{image_name()}-pgaudit"


def load_archive_image(host: str) -> str:
    """Make the image that fills archives, of the test image, on that engine; returns its name."""
    done = subprocess.run(
        [REPOSITORY / "script" / "archive-image", image_name()],
        env={**os.environ, "DOCKER_HOST": host},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass
class DockerStack:
    """A stack on Docker and the shared database that its gateways lead to at first."""

    stack: Stack
    source: PostgresServer
    authority: Path
    host: str

    @property
    def engine(self) -> Engine:
        return Engine(self.host.removeprefix("unix://"))

    @property
    def contract(self) -> Contract:
        return Contract.model_validate_json(self.contract_file().read_text())

    def contract_file(self) -> Path:
        """The stack's contract in a file of its own, written once."""
        file = self.stack.folder / "contract.json"
        if not file.exists():
            file.touch(0o600)
            content = self.stack.outputs(secrets=True)["contract"]
            file.write_text(json.dumps(content))
        return file

    def fill_source(self) -> None:
        """Start the shared database, the demo's, where the containers find it."""
        self.source.start()
        endpoint = Endpoint(
            host=SOURCE_HOST,
            address="127.0.0.1",
            port=self.source.port,
            database="waqiti",
            sslrootcert=str(self.authority),
        )
        build_database(endpoint, ADMINISTRATOR, APPLICATION, scale=DEMO_SCALE)

    def migration(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`python -m migration` with this stack's contract."""
        words = ("migration", *arguments, "--contract", str(self.contract_file()))
        return forks.run(*words, environment=self.stack.environment(), timeout=600)

    def operations(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`python -m operations` with this stack's contract."""
        return subprocess.run(
            [sys.executable, "-m", "operations", *arguments, "--contract", str(self.contract_file())],
            cwd=REPOSITORY,
            env=self.stack.environment(),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def isolation(self) -> subprocess.CompletedProcess[str]:
        """`script/isolation --json`."""
        return subprocess.run(
            [REPOSITORY / "script" / "isolation", "--json", "--contract", self.contract_file()],
            env=self.stack.environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def drift(self) -> list[dict[str, Any]]:
        """What `script/drift` finds beside Pulumi's refresh."""
        done = self.shell(f"{sys.executable} -m operations drift test --no-refresh --json", check=False)
        found: list[dict[str, Any]] = json.loads(done.stdout)["differences"]
        return found

    def shell(self, command: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command as a person on the Docker host would paste it."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.stack.folder,
            env=self.stack.environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0 or not check, f"{command}\n{done.stdout}{done.stderr}"
        return done

    def container(self, service: str, kind: str = "instance") -> dict[str, Any]:
        """`docker inspect`."""
        found = self.engine.container(f"waqiti-test-{service}-{kind}")
        assert found is not None
        return found

    def execute(self, container: str, *command: str) -> str:
        """`docker exec`, as the container's own user."""
        done = subprocess.run(
            ["docker", "exec", f"waqiti-test-{container}", *command],
            env={**os.environ, "DOCKER_HOST": self.host},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout + done.stderr


def docker_settings(authority: Path, port: int, image: str) -> dict[str, Any]:
    """Configuration of a stack of all services, small."""
    return {
        "platform": "docker",
        "scale": "0.1",
        "keepData": False,
        "protectData": False,
        # tests/acceptance/test_docker_archives.py has them
        "backups": False,
        "docker": {"postgresImage": image, "subnet": SUBNET},
        "source": {
            "host": SOURCE_HOST,
            "address": LINK_ADDRESS,
            "port": port,
            "database": "waqiti",
            "sslmode": "verify-full",
            "sslrootcert": str(authority),
            "administrator": {"name": ADMINISTRATOR.name},
            "application": {"name": APPLICATION.name},
        },
    }


def variables(host: str) -> dict[str, str]:
    """What the stack's runs need in their environment."""
    return {
        "DOCKER_HOST": host,
        "SOURCE_DB_ADMIN_PASSWORD": ADMINISTRATOR.password.get_secret_value(),
        "SOURCE_DB_PASSWORD": APPLICATION.password.get_secret_value(),
    }


@contextmanager
def docker_stack(host: str, changes: Mapping[str, Any] | None = None) -> Iterator[DockerStack]:
    """A stack, not yet up, whose shared database is not yet started; all of it goes away.

    `changes` are settings over those of all services, small; those of `docker` are added to its own.
    """
    folder = own_folder()
    source, authority = _source(folder / "source")
    settings = docker_settings(authority, source.port, image_name())
    docker = {**settings["docker"], **(changes or {}).get("docker", {})}
    stack = Stack(folder, {**settings, **(changes or {}), "docker": docker}, variables(host))
    try:
        yield DockerStack(stack, source, authority, host)
    finally:
        source.stop("immediate")
        stack.destroy()
        remove_volumes(host)
        shutil.rmtree(folder)


def remove_volumes(host: str) -> None:
    """The volumes that a destroy of the stack kept."""
    docker = ["docker", "--host", host, "volume"]
    listed = [*docker, "ls", "--quiet", "--filter", "label=waqiti.stack=waqiti-test"]
    names = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
    if names:
        subprocess.run([*docker, "rm", *names], capture_output=True, check=True)


def _source(folder: Path) -> tuple[PostgresServer, Path]:
    tls = folder / "tls"
    authority = Authority.create(tls, "the shared database of a test")
    # PgBouncer verifies what it connects to, which is the address.
    authority.issue(tls, names=[SOURCE_HOST], addresses=[LINK_ADDRESS])
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
    }
    # The link network's address comes with the stack.
    listening = {"listen_addresses": "*"}
    hba = ["local all all peer map=waqiti"]
    for address in ("127.0.0.1/32", SUBNET):
        hba += [f"hostssl {what} all {address} scram-sha-256" for what in ("all", "replication")]
    server.configure({**PARAMETERS, **encrypted, **listening}, hba)
    return server, authority.certificate
