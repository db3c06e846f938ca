"""A whole stack of its own for acceptance tests: real `pulumi up`, all of it in one folder that goes away."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from components.contract import Contract
from servers import paths
from tests.support.absence import absent
from tests.support.folders import own_folder
from tests.support.places import REPOSITORY

SECONDS = 300


@dataclass(frozen=True)
class Result:
    """What a run of Pulumi said."""

    code: int
    output: str
    """stdout and stderr, in order."""


@dataclass
class Stack:
    """A stack named `test` of the real project, whose state, configuration and servers are under `folder`."""

    folder: Path
    settings: dict[str, Any]
    """Pulumi's configuration, without namespace."""
    variables: dict[str, str] = field(default_factory=dict)
    """Environment variables of the runs: passwords."""
    program: Path = REPOSITORY
    """The checkout whose program it is; see `runs`."""

    def __post_init__(self) -> None:
        pulumi = shutil.which("pulumi", path=_search_path())
        if pulumi is None:
            absent("Pulumi's CLI is not installed: run script/bootstrap")
        for name in ("backend", "state"):
            paths.make_private(self.folder / name)
        self.runs(self.program)
        (self.folder / "passphrase").write_text("of nothing", encoding="utf-8")
        self.run("stack", "init", "test")
        self.configure(self.settings)

    def runs(self, program: Path) -> None:
        """From now on it is the program of this checkout."""
        self.program = program
        project = yaml.safe_load((program / "Pulumi.yaml").read_text(encoding="utf-8"))
        project["main"] = str(program)
        project["runtime"]["options"]["virtualenv"] = str(REPOSITORY / ".venv")
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")

    def configure(self, changes: Mapping[str, Any]) -> None:
        """Change some of the settings; None removes one."""
        self.settings = {key: one for key, one in {**self.settings, **changes}.items() if one is not None}
        file = self.folder / "Pulumi.test.yaml"
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        content["config"] = {f"waqiti:{key}": value for key, value in self.settings.items()}
        file.write_text(yaml.safe_dump(content), encoding="utf-8")

    def run(self, *arguments: str, check: bool = True) -> Result:
        """Run Pulumi. A failure fails the test with all that Pulumi said, unless `check` is False."""
        done = subprocess.run(
            ["pulumi", "--non-interactive", "--color", "never", *arguments],
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0 or not check, done.stdout
        return Result(done.returncode, done.stdout)

    def up(self, check: bool = True) -> Result:
        return self.run("up", "--yes", "--skip-preview", "--stack", "test", check=check)

    def changes(self) -> dict[str, list[str]]:
        """By operation other than `same`, the names of the resources that a preview would touch."""
        done = subprocess.run(
            ["pulumi", "--non-interactive", "preview", "--json", "--stack", "test"],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        steps: dict[str, list[str]] = {}
        for step in json.loads(done.stdout)["steps"]:
            if step["op"] != "same":
                steps.setdefault(step["op"], []).append(step["urn"].rpartition("::")[2])
        return steps

    def outputs(self, *, secrets: bool) -> dict[str, Any]:
        shown = ["--show-secrets"] if secrets else []
        found: dict[str, Any] = json.loads(self.run("stack", "output", "--json", *shown).output)
        return found

    def contract(self) -> Contract:
        return Contract.model_validate(self.outputs(secrets=True)["contract"])

    def destroy(self) -> None:
        """Everything that the stack made, protected or not."""
        self.configure({"protectData": False, "keepData": False})
        if self.run("stack", "export").output.find('"resources"') >= 0:
            self.run("state", "unprotect", "--all", "--yes", "--stack", "test", check=False)
            self.run("destroy", "--yes", "--skip-preview", "--stack", "test")

    def environment(self) -> dict[str, str]:
        own = {
            "PATH": _search_path(),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.folder / "passphrase"),
            "PULUMI_HOME": os.environ.get("PULUMI_HOME", str(paths.cache_dir() / "pulumi" / "home")),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            # The state is written at the end, not around each of its resources: nobody kills Pulumi here.
            "PULUMI_SKIP_CHECKPOINTS": "1",
            "GRPC_ENABLE_FORK_SUPPORT": "0",
            "WAQITI_STATE_DIR": str(self.folder / "state"),
            "PYTHONPATH": str(self.program),
        }
        inherited = {key: value for key, value in os.environ.items() if not key.endswith("_DB_PASSWORD")}
        return {**inherited, **own, **self.variables}


@contextmanager
def stack_that_is_up(
    settings: Mapping[str, Any], variables: Mapping[str, str], program: Path = REPOSITORY
) -> Iterator[Stack]:
    """A stack in a folder of its own, after an `up`; destroyed at the end, whatever became of it."""
    folder = own_folder()
    stack = Stack(folder, dict(settings), dict(variables), program)
    try:
        stack.up()
        yield stack
    finally:
        stack.destroy()
        shutil.rmtree(folder)


def _search_path() -> str:
    own = (REPOSITORY / ".venv" / "bin", paths.cache_dir() / "pulumi" / "bin")
    return os.pathsep.join([*map(str, own), os.environ.get("PATH", "")])
