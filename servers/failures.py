"""From what a server wrote into its log before it gave up, the one line that a person can act on."""

from __future__ import annotations

import re
from pathlib import Path

from servers.errors import ServerError
from servers.ports import holder

_KNOWN = (
    ("No space left on device", "the disk is full", "free some space and try again"),
    ("bytes at block", "the disk is full", "free some space and try again"),  # "wrote only 4096 of 8192"
    ("Disk quota exceeded", "the disk quota is used up", "free some space and try again"),
    ("Permission denied", "{line}", "give the servers' user access"),
    ("has group or world access", "{line}", "chmod 0700 the data folder"),
    ("could not map anonymous shared memory", "memory is short", "lower shared_buffers or the stack's scale"),
    (
        "could not create shared memory segment",
        "memory is short",
        "lower shared_buffers or the stack's scale",
    ),
    ("parameter", "{line}", "correct the parameter in the stack's settings"),
    ("configuration file", "{line}", "correct the stack's settings"),
)


def explain(log: str, where: Path | str, port: int | None = None) -> ServerError:
    """The error for a server that did not start; `log` is what it wrote meanwhile, on any stream."""
    if "Address already in use" in log and port is not None:
        return port_in_use(port)
    telling = [line for line in log.splitlines() if re.search(r"FATAL|PANIC|ERROR|error:", line)]
    first = telling[0] if telling else next(iter(log.strip().splitlines()[-1:]), "it said nothing")
    line = re.sub(r"^.*?(FATAL|PANIC|ERROR|error):\s+", "", first).rstrip(".")
    for pattern, seen, to_do in _KNOWN:
        match = next((text for text in log.splitlines() if pattern in text), None)
        if match is not None:
            known = re.sub(r"^.*?(FATAL|PANIC|ERROR|LOG|error):\s+", "", match).rstrip(".")
            return ServerError(seen.format(line=known), where=str(where), to_do=to_do)
    return ServerError(f"did not start ({line})", where=str(where), to_do="read its log")


def port_in_use(port: int) -> ServerError:
    """The error for a port that another program listens on, naming it when the system tells."""
    return ServerError(
        f"in use by {holder(port)}",
        where=f"port {port}",
        to_do="stop that program or choose another port in the stack's settings",
    )
