"""The Docker Engine's API over its unix socket: what pulumi-docker does not do, and looks before it acts.

https://docs.docker.com/reference/api/engine/version/v1.41/ (Engine 20.10, the oldest that is tried), or the
oldest version that the engine still speaks: from 29 on that is 1.44.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from servers.docker_transport import exchange, frames, message, unframed
from servers.errors import ServerError

DEFAULT_HOST = "unix:///var/run/docker.sock"
API = "1.41"
"""Version that is spoken where it is understood."""
SECONDS = 30.0
RUN_SECONDS = 300.0
FIRST_ERROR_STATUS = 400


@dataclass(frozen=True)
class Engine:
    """A Docker Engine. Each call is a connection of its own."""

    socket: str
    """Path of its unix socket."""

    @classmethod
    def of_environment(cls) -> Engine:
        """The one that `$DOCKER_HOST` names, else the machine's. Raises ServerError for one elsewhere."""
        host = os.environ.get("DOCKER_HOST") or DEFAULT_HOST
        if not host.startswith("unix://"):
            raise ServerError(
                "is not on this machine, and the stack hands files to its containers",
                where=f"DOCKER_HOST={host}",
                to_do="run the stack on the Docker host, with DOCKER_HOST=unix://...",
            )
        return cls(host.removeprefix("unix://"))

    def info(self) -> dict[str, Any]:
        """`docker info`. Raises ServerError, in one line, when the engine cannot be used."""
        found = self._call("GET", "/info")
        return dict(found)

    def image(self, name: str) -> dict[str, Any] | None:
        """`docker image inspect`; None when the engine does not have it."""
        return self._found(f"/images/{quote(name, safe='/:@')}/json")

    def container(self, name: str) -> dict[str, Any] | None:
        """`docker container inspect`."""
        return self._found(f"/containers/{quote(name)}/json")

    def runs(self, name: str) -> bool:
        """Whether the container is there and at work.

        One that waits for its next start is not, though Docker calls it running; nor is one that Docker
        started again and that has not been healthy since: it may stop at every start.
        """
        found = self.container(name)
        if found is None or not found["State"]["Running"] or found["State"]["Restarting"]:
            return False
        health = (found["State"].get("Health") or {}).get("Status", "healthy")
        return health == "healthy" or not found["RestartCount"]

    def network(self, name: str) -> dict[str, Any] | None:
        """`docker network inspect`."""
        return self._found(f"/networks/{quote(name)}")

    def networks(self) -> list[dict[str, Any]]:
        """All of them, without who is in them."""
        return [dict(one) for one in self._call("GET", "/networks")]

    def volume(self, name: str) -> dict[str, Any] | None:
        """`docker volume inspect`."""
        return self._found(f"/volumes/{quote(name)}")

    def signal(self, container: str, name: str) -> None:
        """Send a signal to the container's first process."""
        self._call("POST", f"/containers/{quote(container)}/kill?{urlencode({'signal': name})}")

    def limit_processes(self, container: str, most: int) -> None:
        """How many processes and threads the container may have at a time; pulumi-docker cannot say it."""
        self._call("POST", f"/containers/{quote(container)}/update", {"PidsLimit": most})

    def restart(self, container: str, seconds: int) -> None:
        """Stop (kill after `seconds`) and start."""
        self._call("POST", f"/containers/{quote(container)}/restart?t={seconds}", seconds=seconds + SECONDS)

    def stop(self, container: str, seconds: int) -> None:
        """Stop (kill after `seconds`); it stays stopped until it is started."""
        self._call("POST", f"/containers/{quote(container)}/stop?t={seconds}", seconds=seconds + SECONDS)

    def start(self, container: str) -> None:
        """Start a container that stopped; nothing to do for one that runs."""
        self._call("POST", f"/containers/{quote(container)}/start")

    def is_in(self, network: str, container: str) -> bool:
        """Whether the container is there and joined to the network."""
        found = self.container(container)
        return found is not None and network in found["NetworkSettings"]["Networks"]

    def connect(self, network: str, container: str, address: str | None = None) -> None:
        """Join a running container to a network; at `address`, or at one that the engine chooses."""
        at = {"EndpointConfig": {"IPAMConfig": {"IPv4Address": address}}} if address else {}
        self._call("POST", f"/networks/{quote(network)}/connect", {"Container": container, **at})

    def disconnect(self, network: str, container: str) -> None:
        """Take a running container out of a network."""
        body = {"Container": container, "Force": True}
        self._call("POST", f"/networks/{quote(network)}/disconnect", body)

    def said(self, container: str, lines: int = 40) -> list[str]:
        """The last lines that a container wrote to its standard streams."""
        path = f"/containers/{quote(container)}/logs?stdout=1&stderr=1&tail={lines}"
        raw = self._call("GET", path, raw=True)
        return unframed(raw).decode(errors="replace").splitlines()

    def make_container(self, name: str, body: Mapping[str, Any]) -> None:
        """Make a container, which is not started. `body` as the API takes it (Create a container)."""
        self._call("POST", f"/containers/create?{urlencode({'name': name})}", dict(body))

    def remove_container(self, name: str) -> None:
        """End a container and remove it; nothing to do where there is none."""
        self._call("DELETE", f"/containers/{quote(name)}?force=1&v=1", missing_is_none=True)

    def execute(
        self,
        container: str,
        argv: Sequence[str],
        said: Callable[[str], None],
        variables: Mapping[str, str] | None = None,
    ) -> int:
        """Run a program in a running container and tell each line that it writes; returns its exit status.

        Ctrl-C here is one for the program there, which is waited for. Never a secret in `argv`; `variables`
        are its environment's. Raises ServerError.
        """
        body = {
            "AttachStdout": True,
            "AttachStderr": True,
            "Cmd": list(argv),
            "Env": [f"{name}={value}" for name, value in (variables or {}).items()],
        }
        made = str(self._call("POST", f"/containers/{quote(container)}/exec", body)["Id"])
        begin = {"Detach": False, "Tty": False}
        try:
            text = ""
            for piece in frames(self.socket, f"/v{_spoken(self.socket)}/exec/{made}/start", begin):
                *lines, text = (text + piece.decode(errors="replace")).split("\n")
                for line in lines:
                    said(line)
            if text:
                said(text)
        except BaseException:
            self._end_execution(made)
            raise
        return int(self._call("GET", f"/exec/{made}/json").get("ExitCode") or 0)

    def _end_execution(self, made: str) -> None:
        """The engine knows the process by its id on this machine, and has no call that signals it."""
        for number in (signal.SIGINT, signal.SIGKILL):
            found = self._call("GET", f"/exec/{made}/json")
            if not found["Running"] or int(found["Pid"]) <= 1:
                return
            with suppress(ProcessLookupError, PermissionError):
                os.kill(int(found["Pid"]), number)
            deadline = time.monotonic() + SECONDS
            while time.monotonic() < deadline and self._call("GET", f"/exec/{made}/json")["Running"]:
                time.sleep(0.1)

    def make_network(self, name: str, labels: Mapping[str, str]) -> None:
        """An ordinary network, with addresses that the engine chooses."""
        body = {"Name": name, "CheckDuplicate": True, "Labels": dict(labels)}
        self._call("POST", "/networks/create", body)

    def remove_network(self, name: str) -> None:
        """Remove a network that no container is in."""
        self._call("DELETE", f"/networks/{quote(name)}")

    def run(
        self,
        image: str,
        network: str,
        script: str,
        labels: Mapping[str, str],
        *,
        interpreter: str = "bash",
    ) -> list[str]:
        """What a script in a new container in `network` wrote; the container is removed afterwards."""
        body = {
            "Image": image,
            "Entrypoint": [interpreter, "-c", script],
            "User": "65534:65534",  # nobody
            "Labels": dict(labels),
            "HostConfig": {
                "NetworkMode": network,
                "CapDrop": ["ALL"],
                "SecurityOpt": ["no-new-privileges"],
                "Memory": 512 * 1024 * 1024,
                # Names of the network are known all the same; others are asked of nobody.
                "Dns": ["127.0.0.1"],
            },
        }
        container = str(self._call("POST", "/containers/create", body)["Id"])
        try:
            self.start(container)
            self._call("POST", f"/containers/{container}/wait", seconds=RUN_SECONDS)
            return self.said(container, 100_000)
        finally:
            self._call("DELETE", f"/containers/{container}?force=1&v=1")

    def _found(self, path: str) -> dict[str, Any] | None:
        found = self._call("GET", path, missing_is_none=True)
        return None if found is None else dict(found)

    def _call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        missing_is_none: bool = False,
        raw: bool = False,
        seconds: float = SECONDS,
    ) -> Any:
        versioned = f"/v{_spoken(self.socket)}{path}"
        status, content = exchange(self.socket, method, versioned, body, seconds)
        if status == HTTPStatus.NOT_FOUND and missing_is_none:
            return None
        if status >= FIRST_ERROR_STATUS:
            raise ServerError(
                f"answered {status}: {message(content)}",
                where=f"Docker Engine, {method} {path.partition('?')[0]}",
                to_do="see its log",
            )
        return content if raw else (json.loads(content) if content.strip() else None)


def api_of(version: Mapping[str, Any]) -> str:
    """The API's version to speak to an engine that says this of itself (`GET /version`)."""
    oldest = str(version.get("MinAPIVersion") or API)
    return max(API, oldest, key=lambda one: [int(number) for number in one.split(".")])


@cache
def _spoken(path: str) -> str:
    status, content = exchange(path, "GET", "/version", None, SECONDS)
    return api_of(json.loads(content)) if status == HTTPStatus.OK else API
