"""The server of a service whose instance is a process of this machine."""

from __future__ import annotations

from pathlib import Path

from components.contract import Service
from servers.postgres import PostgresServer


def own_server(service: Service) -> PostgresServer:
    """As the local platform started it; nothing is asked of it yet."""
    control = service.instance_control
    data = Path(control.data)
    return PostgresServer(
        Path(control.binaries),
        data,
        service.instance.port,
        Path(control.sockets),
        data.parent / "log" / "start.log",
        service.instance.address or "127.0.0.1",
    )
