"""The dev stack of a demo, brought up and destroyed by the real `pulumi`.

The program is the checkout's; its settings are a copy of Pulumi.dev.yaml in the demo's folder, because
`pulumi stack init` writes into that file, and the checkout is not the demo's to change.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from components.catalogue.read import read_catalogue
from components.contract import Contract
from components.monitoring.settings import MonitoringSettings
from components.settings.rules import EXPORTERS
from demo.environment import children, docker_host
from demo.environment.home import REPOSITORY, Home, Options
from demo.errors import DemoError
from servers.osuser import write_private

if TYPE_CHECKING:
    from demo.environment.cluster import Cluster

STACK = "dev"
LABEL = f"waqiti-{STACK}"
"""By which Docker knows what the stack made."""
MONITOR_SECONDS = 5
"""Between two looks of what watches; an alarm of a demo is not to be missed."""
UP_SECONDS = 1200.0
DESTROY_SECONDS = 600.0
"""Most of both is what a cluster takes for pods and namespaces."""
_QUICK_SECONDS = 60
_RESOURCE = re.compile(r"^ *[+~-]+ +\S+:\S+ .*(created|updated|replaced|deleted)")
_ERROR = re.compile(r"^ *error: +(.*)")


def wanted_ports(options: Options) -> dict[int, str]:
    """Every port that the demo's servers will listen on, and for what."""
    catalogue = read_catalogue(REPOSITORY / "services.yaml")
    settings = _settings(options)
    apart = int(settings.get("waqiti:instancePortOffset", 10000))
    ports = {options.source_port: "the shared database"}
    if options.monitor:
        first = MonitoringSettings().port + options.port_offset
        number = EXPORTERS + len(catalogue.services)
        ports |= dict.fromkeys(range(first, first + number), "what watches")
    for name, entry in catalogue.services.items():
        if options.platform != "local":
            continue  # addresses of their own
        port = entry.endpoint.port + options.port_offset
        ports |= {port: f"the {name} service's endpoint", port + apart: f"the {name} service's database"}
    return ports


def prepare(home: Home, options: Options, cluster: Cluster | None = None) -> None:
    """Write the project and the stack's settings, and make the stack in its own backend, once.

    `cluster` is that of a demo on Kubernetes.
    """
    project = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8"))
    project["main"] = str(REPOSITORY)
    project["runtime"]["options"]["virtualenv"] = str(REPOSITORY / ".venv")
    (home.project / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
    file = home.project / f"Pulumi.{STACK}.yaml"
    kept = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}
    file.write_text(yaml.safe_dump({**(kept or {}), "config": _settings(options, cluster)}), encoding="utf-8")
    if not _exists(home):
        _pulumi(home, "stack", "init", STACK)


def up(home: Home, passwords: Mapping[str, str], tell: Callable[[int], None]) -> int:
    """Deploy; `tell` is called with the number of resources done so far. Returns that number.

    Raises DemoError with Pulumi's own error line.
    """
    return _run(home, "up", passwords, UP_SECONDS, tell)


def destroy(home: Home, passwords: Mapping[str, str], tell: Callable[[int], None]) -> int:
    """Remove everything that the stack made; returns how many resources. Raises DemoError."""
    if not _exists(home):
        return 0
    # A run that was killed leaves its lock behind.
    _pulumi(home, "cancel", "--yes", "--stack", STACK, check=False)
    _pulumi(home, "state", "unprotect", "--all", "--yes", "--stack", STACK, check=False)
    return _run(home, "destroy", passwords, DESTROY_SECONDS, tell)


def contract(home: Home) -> Contract:
    """What the stack exports; also written to the demo's folder, for programs that are not given Pulumi."""
    text = _pulumi(home, "stack", "output", "contract", "--json", "--show-secrets", "--stack", STACK)
    write_private(home.contract, text, ours=True)
    return Contract.model_validate(json.loads(text))


def _settings(options: Options, cluster: Cluster | None = None) -> dict[str, Any]:
    text = (REPOSITORY / f"Pulumi.{STACK}.yaml").read_text(encoding="utf-8")
    settings: dict[str, Any] = yaml.safe_load(text)["config"]
    settings["waqiti:source"]["port"] = options.source_port
    if options.port_offset:
        settings["waqiti:portOffset"] = options.port_offset
    if options.monitor:
        settings["waqiti:monitoring"] = {"interval": MONITOR_SECONDS}
    if options.platform == "docker":
        settings["waqiti:platform"] = options.platform
        settings["waqiti:docker"] = {"postgresImage": docker_host.image_name(), "subnet": docker_host.SUBNET}
        settings["waqiti:source"]["address"] = docker_host.LINK_ADDRESS
        # The image that fills archives is one more to make.
        settings["waqiti:backups"] = False
    if cluster is not None:
        settings["waqiti:platform"] = options.platform
        settings["waqiti:kubernetes"] = cluster.settings
        settings["waqiti:source"]["address"] = cluster.address
    return settings


def _exists(home: Home) -> bool:
    return any(home.backend.glob(f".pulumi/stacks/**/{STACK}.json*"))


def _pulumi(home: Home, *arguments: str, check: bool = True) -> str:
    try:
        done = subprocess.run(
            ["pulumi", "--non-interactive", "--color", "never", "--cwd", str(home.project), *arguments],
            env=_environment(home),
            cwd=home.project,
            capture_output=True,
            text=True,
            timeout=_QUICK_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise DemoError("pulumi is not installed; run script/bootstrap") from None
    except subprocess.TimeoutExpired:
        raise DemoError(
            f"pulumi {arguments[0]} did not end in {_QUICK_SECONDS} s; look at {home.backend}"
        ) from None
    if done.returncode and check:
        raise DemoError(f"pulumi {' '.join(arguments[:2])} failed: {_last_error(done.stderr)}")
    return done.stdout


def _run(
    home: Home, verb: str, passwords: Mapping[str, str], seconds: float, tell: Callable[[int], None]
) -> int:
    log = home.logs / f"pulumi-{verb}.log"
    command = ["pulumi", "--non-interactive", "--color", "never", "--cwd", str(home.project),
               verb, "--yes", "--skip-preview", "--stack", STACK]  # fmt: skip
    variables = {**home.environment(), **passwords}
    with log.open("wb") as file:
        child = children.start(home, f"pulumi-{verb}", command, variables=variables, output=file, errors=file)
    deadline = time.monotonic() + seconds
    try:
        while child.poll() is None:
            if time.monotonic() > deadline:
                raise DemoError(f"pulumi {verb} took longer than {seconds:.0f} s; see {log}")
            tell(_resources(log))
            time.sleep(0.2)
    finally:
        children.stop(child)
    if child.returncode:
        raise DemoError(f"pulumi {verb} failed: {_last_error(log.read_text(errors='replace'))}; see {log}")
    return _resources(log)


def _resources(log: Path) -> int:
    return sum(bool(_RESOURCE.match(line)) for line in log.read_text(errors="replace").splitlines())


def _last_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [match[1] for match in map(_ERROR.match, lines) if match]
    telling = [line for line in errors if "update failed" not in line]
    return (telling or errors or lines or ["no output"])[0]


def _environment(home: Home) -> dict[str, str]:
    return {**os.environ, **home.environment()}
