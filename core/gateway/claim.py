"""The right to pause a gateway for a moment: one process at a time, and a note of who, beside its routes.

The kernel lets the lock go with the process, so a pause that was killed is known by its note: whoever has
the lock next finds a gateway that is paused for nobody, and lets its clients go on. Only pauses that end
by themselves are noted. One of a switch is not: what it left is for `python -m migration resume`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from components.contract import Service, Source
from core.errors import AnotherOperator, GatewayFailed
from core.gateway.gateway import Gateway

WAIT_SECONDS = 5.0
_AGAIN_SECONDS = 0.02


def claim_path(service: Service) -> Path:
    """The lock file of a service's gateway."""
    return Path(service.gateway_control.routes).with_suffix(".pause")


class Claim(contextlib.AbstractContextManager["Claim"]):
    """The lock of one gateway, held while the context lasts (and by whoever inherits `fileno()`)."""

    def __init__(self, service: Service, purpose: str, wait: float = WAIT_SECONDS) -> None:
        """Take it within `wait` seconds. `purpose` is shown to who has to wait.

        Raises AnotherOperator, and GatewayFailed where the gateway's folder cannot be written to.
        """
        self.service = service
        self._purpose = purpose
        path = claim_path(service)
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise GatewayFailed(
                f"{path}, the lock of the gateway of {service.name}, cannot be opened: {error.strerror}; "
                "run it on the gateway's machine, as the user that `pulumi up` runs as"
            ) from None
        give_up = time.monotonic() + wait
        while not self._locked():
            if time.monotonic() > give_up:
                by = self.note() or "a switch"
                os.close(self._file)
                raise AnotherOperator(
                    f"the gateway of {service.name} is being paused by another run ({by}); run it again later"
                )
            time.sleep(_AGAIN_SECONDS)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def fileno(self) -> int:
        """The open file, for a process that is to hold the lock as well."""
        return self._file

    def write(self) -> None:
        """Note that a pause begins which ends by itself."""
        text = json.dumps({"purpose": self._purpose, "pid": os.getpid(), "since": time.time()})
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, text.encode(), 0)

    def clear(self) -> None:
        """Note that the pause is over."""
        os.ftruncate(self._file, 0)

    def note(self) -> str | None:
        """What the pause is for that somebody noted and did not end; None where there is none."""
        text = os.pread(self._file, 4096, 0)
        if not text:
            return None
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return str(json.loads(text)["purpose"])
        return "a note that cannot be read"

    def _locked(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextlib.contextmanager
def claimed(service: Service, source: Source, purpose: str, wait: float = WAIT_SECONDS) -> Iterator[Claim]:
    """The lock of one gateway; a pause that was killed, with its watchdog, is ended first.

    Raises AnotherOperator and GatewayFailed.
    """
    with Claim(service, purpose, wait) as claim:
        if claim.note() is not None:
            Gateway(service, source).resume()
            claim.clear()
        yield claim
