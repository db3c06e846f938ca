"""Real stacks of the local platform: a small Pulumi program, a state of its own, the real CLI."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from servers.paths import cache_dir
from tests.support.absence import absent
from tests.support.folders import own_folder
from tests.support.places import REPOSITORY

PROGRAM = """
import json, os
import pulumi
from pulumi import ResourceOptions
from components.contract import Endpoint
from components.service.generated_secret import GeneratedSecret
from components.platforms.interface import GatewayArgs, InstanceArgs, NetworkArgs, SourceRoute
from components.platforms.local.platform import LocalPlatform

wanted = json.load(open("wanted.json"))
platform = LocalPlatform("small", "test", wanted["state"])
network = platform.network("net", NetworkArgs("user", "postgres-user"), ResourceOptions())
administrator = GeneratedSecret("administrator", wanted["rotation"])
service, console = GeneratedSecret("service"), GeneratedSecret("console")
ddl = GeneratedSecret("ddl")
instance = platform.instance("pg", InstanceArgs(
    "user", network, "postgres-user", wanted["instance_port"], "waqiti_users", wanted["version"],
    wanted["parameters"], "postgres", administrator.value, ("user_service",), ("user_migration",),
    wanted["keep_data"]), ResourceOptions())
pulumi.export("administrator", administrator.value)
pulumi.export("service", service.value)
pulumi.export("control", instance.control)
if wanted["source"]:
    password = pulumi.Output.secret(wanted["password"])
    source = SourceRoute(
        Endpoint(**wanted["source"]), wanted["role"], password, "postgres", "of nobody")
    gateway = platform.gateway("gate", GatewayArgs(
        "user", network, "postgres-user", wanted["gateway_port"], "waqiti_users", "user_schema",
        "user_service", service.value, "user_ddl", ddl.value, console.value, source, 20, 200,
        wanted["settings"]), ResourceOptions())
    pulumi.export("gateway", gateway.control)
"""


@dataclass
class Step:
    """What a command said and did: resources by operation (`same`, `create`, `update`, ...)."""

    code: int
    output: str
    changes: Mapping[str, int]


@dataclass
class LocalStack:
    """A stack; change `wanted` and run `up`."""

    folder: Path
    wanted: dict[str, Any] = field(default_factory=dict)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        (self.folder / "wanted.json").write_text(json.dumps(self.wanted))
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
        environment |= {
            "PATH": f"{Path(sys.executable).parent}:{cache_dir() / 'pulumi/bin'}:{os.environ['PATH']}",
            "VIRTUAL_ENV": str(Path(sys.executable).parents[1]),
            "PYTHONPATH": f"{REPOSITORY}:{os.environ.get('PYTHONPATH', '')}",
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "a test's",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_SKIP_CHECKPOINTS": "1",
            "NO_COLOR": "1",
        }
        return subprocess.run(
            ["pulumi", "-C", str(self.folder / "program"), "--non-interactive", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            stdin=subprocess.DEVNULL,
        )

    def _changing(self, command: str, *arguments: str) -> Step:
        done = self.run(command, "--stack", "test", *arguments)
        output = done.stdout + done.stderr
        summary: dict[str, int] = {}
        for line in output.splitlines():
            words = line.strip().removeprefix("+ ").removeprefix("~ ").removeprefix("- ").split()
            if len(words) >= 2 and words[0].isdigit() and words[1] in _OPERATIONS:
                summary[_OPERATIONS[words[1]]] = int(words[0])
        return Step(done.returncode, output, summary)

    def up(self) -> Step:
        return self._changing("up", "--yes", "--skip-preview")

    def preview(self) -> Step:
        return self._changing("preview", "--diff")

    def refresh(self) -> Step:
        return self._changing("refresh", "--yes", "--skip-preview", "--diff")

    def destroy(self) -> Step:
        return self._changing("destroy", "--yes", "--skip-preview")

    def output(self, name: str) -> Any:
        done = self.run("stack", "output", "--stack", "test", "--json", "--show-secrets", name)
        return json.loads(done.stdout)

    def state(self) -> str:
        return self.run("stack", "export", "--stack", "test").stdout

    @property
    def service_folder(self) -> Path:
        return Path(self.wanted["state"]) / "stacks" / "small-test" / "user"


_OPERATIONS = {
    "unchanged": "same",
    "created": "create",
    "updated": "update",
    "deleted": "delete",
    "replaced": "replace",
    "to": "to",
    "create": "create",
    "update": "update",
}


@contextmanager
def local_stack() -> Iterator[LocalStack]:
    """A stack with one service, not yet up: `wanted` still needs `instance_port`, and what it shall have
    otherwise. Destroyed in the end, data and all."""
    if not shutil.which("pulumi", path=f"{cache_dir() / 'pulumi/bin'}:{os.environ['PATH']}"):
        absent("the Pulumi CLI is not installed: run script/bootstrap")
    folder = own_folder()
    for name in ("program", "backend", "home"):
        (folder / name).mkdir()
    (folder / "program/Pulumi.yaml").write_text("name: small\nruntime: python\n")
    (folder / "program/__main__.py").write_text(PROGRAM.replace("wanted.json", str(folder / "wanted.json")))
    defaults = {
        "state": str(folder / "state"),
        "rotation": "1",
        "version": 17,
        "parameters": {},
        "keep_data": True,
        "source": None,
        "settings": {},
    }
    stack = LocalStack(folder, defaults)
    made = stack.run("stack", "init", "test")
    if made.returncode != 0:
        raise RuntimeError(made.stderr)
    try:
        yield stack
    finally:
        stack.wanted["keep_data"] = False
        if stack.service_folder.exists():
            stack.up()
            stack.destroy()
        shutil.rmtree(folder, ignore_errors=True)
