"""The Docker Engine's API over its unix socket: what pulumi-docker does not do, and looks before it acts.

https://docs.docker.com/reference/api/engine/version/v1.41/ (Engine 20.10, the oldest that is tried).
"""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from servers.errors import ServerError

DEFAULT_HOST = "unix:///var/run/docker.sock"
API = "/v1.41"
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

    def connect(self, network: str, container: str) -> None:
        """Join a running container to a network."""
        self._call("POST", f"/networks/{quote(network)}/connect", {"Container": container})

    def disconnect(self, network: str, container: str) -> None:
        """Take a running container out of a network."""
        body = {"Container": container, "Force": True}
        self._call("POST", f"/networks/{quote(network)}/disconnect", body)

    def said(self, container: str, lines: int = 40) -> list[str]:
        """The last lines that a container wrote to its standard streams."""
        path = f"/containers/{quote(container)}/logs?stdout=1&stderr=1&tail={lines}"
        raw = self._call("GET", path, raw=True)
        return _unframed(raw).decode(errors="replace").splitlines()

    def make_network(self, name: str, labels: Mapping[str, str], *, internal: bool) -> None:
        """A network with addresses that the engine chooses."""
        body = {"Name": name, "CheckDuplicate": True, "Internal": internal, "Labels": dict(labels)}
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
        user: str = "65534:65534",
        interpreter: str = "bash",
    ) -> list[str]:
        """What a script in a new container in `network` wrote; the container is removed afterwards."""
        body = {
            "Image": image,
            "Entrypoint": [interpreter, "-c", script],
            "User": user,
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
        connection = _UnixConnection(self.socket, seconds)
        headers = {"Content-Type": "application/json", "Host": "docker"}
        try:
            connection.request(method, API + path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            content = response.read()
        except OSError as error:
            raise _unusable(self.socket, error) from None
        finally:
            connection.close()
        if response.status == HTTPStatus.NOT_FOUND and missing_is_none:
            return None
        if response.status >= FIRST_ERROR_STATUS:
            raise ServerError(
                f"answered {response.status}: {_message(content)}",
                where=f"Docker Engine, {method} {path.partition('?')[0]}",
                to_do="see its log",
            )
        return content if raw else (json.loads(content) if content.strip() else None)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("docker", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _unusable(path: str, error: OSError) -> ServerError:
    where = f"Docker Engine at {path}"
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return ServerError(
            "does not run",
            where=where,
            to_do="start it (script/docker-engine start does), or set DOCKER_HOST",
        )
    if isinstance(error, PermissionError):
        return ServerError("may not be used by this user", where=where, to_do="run this as root")
    if isinstance(error, TimeoutError):
        return ServerError("did not answer in time", where=where, to_do="see its log, then run it again")
    return ServerError(f"does not answer ({error.strerror or error})", where=where, to_do="see its log")


def _message(content: bytes) -> str:
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace")[:200]


def _unframed(stream: bytes) -> bytes:
    """Without the 8 bytes ahead of each chunk of a log: https://docs.docker.com/reference/api/engine/
    version/v1.41/#tag/Container/operation/ContainerAttach (stream format)."""
    parts = []
    while len(stream) >= 8:
        size = int.from_bytes(stream[4:8], "big")
        parts.append(stream[8 : 8 + size])
        stream = stream[8 + size :]
    return b"".join(parts)
