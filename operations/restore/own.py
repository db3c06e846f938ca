"""The service's own server, for who exchanges its data: a process of this machine, or a container."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from components.contract import Service
from core.errors import MigrationError
from core.own_server import own_server
from core.sessions.connections import Database
from servers.docker_engine import Engine
from servers.errors import ServerError

SECONDS = 60


class Server(Protocol):
    """What an exchange asks of it."""

    def start(self) -> None:
        """Returns when it serves. Raises ServerError with its own word."""

    def stop(self, mode: str = "fast") -> None:
        """Returns when it has ended."""


def server_of(service: Service) -> Server:
    """The server that has the service's data."""
    if service.backups is not None and service.backups.container is not None:
        where = service.backups.container
        return _InContainer(Engine(where.socket), where.instance, service)
    return own_server(service)


@dataclass(frozen=True)
class _InContainer:
    engine: Engine
    container: str
    service: Service

    def start(self) -> None:
        """Its first process refuses data that are not the service's, and says so as its last words."""
        since = time.time()
        self.engine.start(self.container)
        asked = Database(
            f"{self.service.name}'s own database", "target", self.service.instance, self.service.backup
        )
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                with closing(asked.connect()):
                    return
            except MigrationError as error:
                if time.monotonic() > deadline or self._gave_up():
                    last = [line for line in self.engine.said(self.container) if line.strip()][-1:]
                    raise ServerError(
                        f"did not start within {time.time() - since:.0f} s ({(last or [str(error)])[0]})",
                        where=f"the container {self.container}",
                        to_do=f"see docker logs {self.container}",
                    ) from None
            time.sleep(0.2)

    def stop(self, mode: str = "fast") -> None:
        """Docker sends what the container was made with, which is `fast`; any other mode kills it at once."""
        self.engine.stop(self.container, SECONDS if mode == "fast" else 0)

    def _gave_up(self) -> bool:
        found = self.engine.container(self.container)
        return found is not None and bool(found["State"]["Restarting"])
