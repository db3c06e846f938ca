"""Where a demo lives: all of it under one folder, so that nothing else is ever touched by `down`."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from demo.errors import DemoError
from servers.osuser import write_private
from servers.paths import cache_dir, state_dir

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE_PORT = 5432
"""The shared server's, as in Pulumi.dev.yaml."""
_VARIABLE = "WAQITI_DEMO"
"""Whose state folder a shell has: the demo's, once its `env` was read there."""


@dataclass(frozen=True)
class Options:
    """What a demo was asked for."""

    scale: float = 0.1
    rate: float = 40.0
    """Business transactions a second."""
    source_version: int = 17
    port_offset: int = 0
    """Added to every port."""
    platform: str = "local"
    """`local`, `docker` or `kubernetes`."""
    monitor: bool = False
    """Whether the stack is watched."""
    context: str = ""
    """Of the kubeconfig, for a cluster that is there; empty: one of the demo's own."""
    settings: str = ""
    """A stack's file that says what that cluster is like."""

    @property
    def source_port(self) -> int:
        """Where the shared server listens."""
        return SOURCE_PORT + self.port_offset


@dataclass(frozen=True)
class Home:
    """A demo's folder. It is the state folder (`$WAQITI_STATE_DIR`) of all that the demo starts."""

    root: Path

    @classmethod
    def default(cls) -> Home:
        """`demo` in this user's state folder; in a shell that has read a demo's `env`, that demo."""
        state = state_dir()
        return cls(state if os.environ.get(_VARIABLE) == str(state) else state / "demo")

    @property
    def source(self) -> Path:
        """The shared server: its data, certificates and log."""
        return self.root / "source"

    @property
    def project(self) -> Path:
        """A copy of Pulumi.yaml, whose program is the checkout, and the dev stack's settings."""
        return self.root / "project"

    @property
    def backend(self) -> Path:
        """Pulumi's state."""
        return self.root / "pulumi"

    @property
    def passphrase(self) -> Path:
        """What Pulumi's secrets are encrypted with; mode 0600."""
        return self.root / "passphrase"

    @property
    def variables(self) -> Path:
        """A shell file of mode 0600: passwords, and what makes pulumi and the migration see this demo."""
        return self.root / "env"

    @property
    def contract(self) -> Path:
        """The stack's contract; mode 0600."""
        return self.root / "contract.json"

    @property
    def workload(self) -> Path:
        """The workload's journal, statement log and summary."""
        return self.root / "workload"

    @property
    def reports(self) -> Path:
        """The migration's reports."""
        return self.root / "reports"

    @property
    def logs(self) -> Path:
        """What programs said."""
        return self.root / "log"

    @property
    def pids(self) -> Path:
        """A file for each program that runs in the background."""
        return self.root / "run"

    @property
    def engine(self) -> Path:
        """The Docker Engine of a demo on containers, where the machine has none."""
        return self.root / "docker"

    @property
    def docker_host(self) -> Path:
        """A file with the `DOCKER_HOST` of a demo on containers."""
        return self.root / "docker-host"

    @property
    def cluster(self) -> Path:
        """The Kubernetes of a demo that has one of its own."""
        return self.root / "kubernetes"

    @property
    def cluster_facts(self) -> Path:
        """A file with what a demo on Kubernetes has to know of its cluster."""
        return self.root / "cluster.json"

    def create(self) -> None:
        """Make the folders, which others may enter but not read: servers of another user live below."""
        for folder in (
            self.root,
            self.project,
            self.backend,
            self.workload,
            self.reports,
            self.logs,
            self.pids,
        ):
            folder.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o711)
        for folder in (self.backend, self.project, self.workload, self.logs):
            folder.chmod(0o700)

    def write_options(self, options: Options) -> None:
        """Remember what was asked for."""
        write_private(self.root / "demo.json", json.dumps(asdict(options)), ours=True)

    def read_options(self) -> Options | None:
        """What an earlier demo in this folder was asked for; None if there was none."""
        try:
            return Options(**json.loads((self.root / "demo.json").read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def environment(self) -> dict[str, str]:
        """Variables for pulumi and for the migration; passwords of the shared database are not in it."""
        path = [
            str(REPOSITORY / ".venv" / "bin"),
            str(cache_dir() / "pulumi" / "bin"),
            os.environ.get("PATH", ""),
        ]
        if self.cluster_facts.exists():
            # Pulumi's plugin, where it was built: nobody else downloads it then.
            path.append(str(cache_dir() / "kubernetes" / "bin"))
        kubeconfig = self.cluster / "pki" / "admin.kubeconfig"
        docker = {"DOCKER_HOST": self.docker_host.read_text().strip()} if self.docker_host.exists() else {}
        return {
            **docker,
            **({"KUBECONFIG": str(kubeconfig)} if kubeconfig.exists() else {}),
            "PATH": os.pathsep.join(path),
            "PULUMI_BACKEND_URL": f"file://{self.backend}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.passphrase),
            "PULUMI_HOME": os.environ.get("PULUMI_HOME", str(cache_dir() / "pulumi" / "home")),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_STACK": "dev",
            "PYTHONPATH": str(REPOSITORY),
            _VARIABLE: str(self.root),
            "WAQITI_CACHE_DIR": str(cache_dir()),
            "WAQITI_STATE_DIR": str(self.root),
        }

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other demos of this user out; the lock goes with the process, however it ends.

        Raises DemoError when another demo is at work.
        """
        self.root.parent.mkdir(parents=True, exist_ok=True)
        path = self.root.parent / f".{self.root.name}.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DemoError(
                    f"another script/demo is at work in {self.root}; wait for it, or end it with Ctrl-C"
                ) from None
            yield
        finally:
            os.close(descriptor)
