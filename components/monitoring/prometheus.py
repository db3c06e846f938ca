"""What Prometheus reads: its configuration and the targets, as file_sd_configs take them. Pure.

https://prometheus.io/docs/prometheus/latest/configuration/configuration/
"""

from __future__ import annotations

from typing import Any

from components.contract import MonitoringControl


def targets(control: MonitoringControl) -> list[dict[str, Any]]:
    """One entry an exporter; `job` and `service` are what rules and panels ask for."""
    stack = f"{control.project}-{control.stack}"
    return [
        {
            "targets": [f"{control.address}:{control.own_port}"],
            "labels": {"job": "waqiti", "stack": stack},
        },
        *(
            {
                "targets": [f"{control.address}:{watched.exporter_port}"],
                "labels": {"job": "postgresql", "service": name, "stack": stack},
            }
            for name, watched in control.services.items()
        ),
    ]


def configuration(control: MonitoringControl) -> dict[str, Any]:
    """prometheus.yml of the stack's own."""
    every = f"{control.interval}s"
    return {
        "global": {"scrape_interval": every, "evaluation_interval": every, "scrape_timeout": every},
        "rule_files": [f"{control.folder}/rules.json"],
        "scrape_configs": [
            {
                "job_name": "waqiti",
                # Our exporter names the service of each figure.
                "honor_labels": True,
                "file_sd_configs": [{"files": [control.targets]}],
            }
        ],
    }


def arguments(control: MonitoringControl, retention: str) -> list[str]:
    """After the program's name."""
    return [
        f"--config.file={control.folder}/prometheus.json",
        f"--storage.tsdb.path={control.folder}/prometheus",
        f"--storage.tsdb.retention.time={retention}",
        f"--web.listen-address={control.address}:{control.prometheus_port}",
        "--log.level=warn",
    ]
