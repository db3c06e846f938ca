"""A process that resumes paused gateways when the one that paused them is gone, or does not come back.

It is told on standard input what to watch (no secret is in its argv), says `ready` when it has a session on
each console, and is then told when a pause begins and ends. It holds the gateways' claims, too: nobody pauses
them before it has let clients go on. It outlives Ctrl-C and a kill of its parent's group.

docs/decisions/0093-restore-points.md says why a process, and what happens when both are killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from components.contract import Service
from core.errors import GatewayFailed, MigrationError
from core.gateway.claim import Claim
from core.gateway.together import Gateways

READY_SECONDS = 20.0
PAUSING, OVER = "pausing", "over"


class Watchdog(contextlib.AbstractContextManager["Watchdog"]):
    """The parent's end. Use as a context manager inside the claims'."""

    def __init__(self, claims: Sequence[Claim], seconds: float) -> None:
        """Start it; a pause that takes longer than `seconds` is ended by it. Raises GatewayFailed."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "core.gateway.watchdog"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            pass_fds=[claim.fileno() for claim in claims],
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        self._tell(json.dumps({"seconds": seconds, "watched": [_watched(claim) for claim in claims]}))

    def wait_until_ready(self) -> None:
        """Wait for its sessions; until then nothing may be paused. Raises GatewayFailed."""
        out = self._process.stdout
        with selectors.DefaultSelector() as selector:
            if out is not None:
                selector.register(out, selectors.EVENT_READ)
            if out is None or not selector.select(READY_SECONDS) or out.readline().strip() != "ready":
                raise GatewayFailed(
                    "the process that would resume the gateways, should this one be killed, did not start; "
                    "nothing was paused: run it again"
                )

    def pausing(self) -> None:
        """A pause begins. Raises GatewayFailed."""
        self._tell(PAUSING)

    def over(self) -> None:
        """The pause is over: all clients go on. Raises GatewayFailed."""
        self._tell(OVER)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        try:
            if self._process.stdin is not None:
                self._process.stdin.write(line + "\n")
                self._process.stdin.flush()
        except OSError:
            raise GatewayFailed(
                "the process that would resume the gateways, should this one be killed, has ended: run it "
                "again"
            ) from None


def _watched(claim: Claim) -> Mapping[str, Any]:
    service = claim.service
    control = service.gateway_control
    return {
        "claim": claim.fileno(),
        "password": control.administrator.password.get_secret_value(),
        "service": service.model_dump(mode="json"),
    }


def main() -> int:
    """The process itself."""
    told = json.loads(_first_line())
    services = []
    for one in told["watched"]:
        one["service"]["gateway_control"]["administrator"]["password"] = one["password"]
        services.append(Service.model_validate(one["service"]))
    files = [int(one["claim"]) for one in told["watched"]]
    try:
        gateways = Gateways(services)
    except MigrationError:
        return 1
    with gateways:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        if _left_paused(float(told["seconds"])):
            with contextlib.suppress(MigrationError):
                gateways.resume()
            with contextlib.suppress(MigrationError):
                gateways.settle()
            for file in files:
                with contextlib.suppress(OSError):
                    os.ftruncate(file, 0)
    return 0


def _first_line() -> bytes:
    """No more than that: what follows is read as it comes."""
    line = b""
    while (piece := os.read(0, 1)) not in {b"", b"\n"}:
        line += piece
    return line


def _left_paused(seconds: float) -> bool:
    """Wait for the end; returns whether it is that of a pause nobody ended."""
    pausing = False
    heard = b""
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        while selector.select(seconds if pausing else None):
            piece = os.read(0, 4096)
            if not piece:
                return pausing
            *lines, heard = (heard + piece).split(b"\n")
            for line in lines:
                pausing = line.decode() == PAUSING
    return pausing


if __name__ == "__main__":
    sys.exit(main())
