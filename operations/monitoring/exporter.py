"""`python -m operations.monitoring.exporter FOLDER`: exports our own figures on loopback, for Prometheus."""

from __future__ import annotations

import encodings.idna  # noqa: F401 (imported late by sockets, when root's environment may be closed)
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from components.contract import MonitoringControl
from operations.monitoring.figures.gateways import Consoles, looking
from operations.monitoring.figures.of_all import figures
from servers import osuser


class Figures(Collector):
    """All figures, looked up when they are asked for."""

    def __init__(self, control: MonitoringControl) -> None:
        self._control = control
        self._consoles = Consoles(looking(control))
        self._one_at_a_time = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        """One look."""
        with self._one_at_a_time:
            yield from figures(self._control.services, self._consoles, self._control)

    def describe(self) -> list[Metric]:
        """Nothing beforehand: registering must not look."""
        return []


def registry_of(control: MonitoringControl) -> CollectorRegistry:
    """What is exported, and nothing of this process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures(control))
    return registry


def become_servers_user() -> None:
    """Give root's rights away: what is looked at belongs to the servers' user."""
    user = osuser.service_user()
    if user is not None:
        os.setgroups([user.gid])
        os.setgid(user.gid)
        os.setuid(user.uid)


def main(folder: Path) -> int:
    """Serve until told to end."""
    become_servers_user()
    control = MonitoringControl.model_validate_json((folder / "control.json").read_text(encoding="utf-8"))
    _server, thread = start_http_server(control.own_port, addr=control.address, registry=registry_of(control))
    thread.join()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
