"""A Kubernetes of the project's own (`script/test-cluster`) on this machine: its addresses, start and end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from demo.environment.home import REPOSITORY
from demo.errors import DemoError

CONTEXT = "waqiti-test"
HOST_ADDRESS, NODE_ADDRESS, PODS = "10.99.0.1", "10.99.0.2", "10.244.0.0/16"
"""This machine, the node, its pods."""
_SERVICES = "10.96.0.64/26"
"""Part of the range of Service addresses that nothing else asks for."""


def settings(kubeconfig: Path) -> dict[str, Any]:
    """The stack's `kubernetes` on such a cluster: one instance a service, the images that it has."""
    return {
        "context": CONTEXT,
        "kubeconfig": str(kubeconfig),
        "postgresImage": "localhost/postgresql:17",
        "gatewayImage": "localhost/pgbouncer:1.24",
        "instances": 1,
        "storage": "20GB",
        "addresses": _SERVICES,
        "administration": [f"{HOST_ADDRESS}/32"],
        "nodeAddress": NODE_ADDRESS,
    }


def start(folder: Path, tell: Callable[[str], None]) -> Path:
    """Start a cluster in `folder` unless it runs there; what it runs is built before that, once, in many
    minutes. `tell` gets what the script says meanwhile.

    Returns its kubeconfig. Raises DemoError with the script's last line.
    """
    # What it serves is measured: it gets as much of the processors as the programs beside it.
    return Path(_script(tell, "start", str(folder), WAQITI_NODE_NICE="0").splitlines()[-1])


def stop(folder: Path) -> None:
    """End a cluster with all that is on it, and remove its folder. Raises DemoError."""
    _script(lambda _line: None, "stop", str(folder))


def _script(tell: Callable[[str], None], *arguments: str, **variables: str) -> str:
    child = subprocess.Popen(
        [REPOSITORY / "script" / "test-cluster", *arguments],
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = ""
    try:
        for line in child.stderr or ():
            said = line.strip() or said
            tell(said)
        printed = child.stdout.read().strip() if child.stdout else ""
        status = child.wait()
    except BaseException:
        child.terminate()
        child.wait()
        raise
    if status:
        raise DemoError(said or f"script/test-cluster {arguments[0]} ended with status {status}")
    return printed
