"""HTTP over the unix socket of a Docker Engine."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from servers.errors import ServerError

_HEADERS = {"Content-Type": "application/json", "Host": "docker"}
_FRAME_HEAD = 8
"""Bytes ahead of each piece of a stream, the last four its length; see `unframed`."""


def exchange(
    path: str, method: str, target: str, body: dict[str, Any] | None, seconds: float
) -> tuple[int, bytes]:
    """Status and content of an answer, over a connection of its own."""
    connection = _UnixConnection(path, seconds)
    try:
        connection.request(method, target, None if body is None else json.dumps(body), _HEADERS)
        response = connection.getresponse()
        return response.status, response.read()
    except OSError as error:
        raise _unusable(path, error) from None
    finally:
        connection.close()


def frames(path: str, target: str, body: dict[str, Any]) -> Iterator[bytes]:
    """What comes back of a POST as a stream, in pieces as they are written, until its other end is closed.

    No limit of time: who writes may be silent for hours. Raises ServerError.
    """
    connection = _UnixConnection(path, None)
    try:
        connection.request("POST", target, json.dumps(body), {**_HEADERS, "Connection": "close"})
        response = connection.getresponse()
        if response.status >= HTTPStatus.BAD_REQUEST:
            said = message(response.read())
            raise ServerError(
                f"answered {response.status}: {said}", where="Docker Engine", to_do="see its log"
            )
        while len(head := response.read(_FRAME_HEAD)) == _FRAME_HEAD:
            yield response.read(int.from_bytes(head[4:], "big"))
    except OSError as error:
        raise _unusable(path, error) from None
    finally:
        connection.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float | None) -> None:
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


def message(content: bytes) -> str:
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace")[:200]


def unframed(stream: bytes) -> bytes:
    """Without the 8 bytes ahead of each chunk of a log: https://docs.docker.com/reference/api/engine/
    version/v1.41/#tag/Container/operation/ContainerAttach (stream format)."""
    parts = []
    while len(stream) >= 8:
        size = int.from_bytes(stream[4:8], "big")
        parts.append(stream[8 : 8 + size])
        stream = stream[8 + size :]
    return b"".join(parts)
