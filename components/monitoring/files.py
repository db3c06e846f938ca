"""The folder of what watches a stack: what is in it, and the files that say what is started.

    control.json      `components.contract.MonitoringControl`, for our exporter
    programs.json     what the supervisor starts: arguments and environment, no password among them
    prometheus.json   Prometheus' configuration (JSON is YAML)
    rules.json        the alarms
    targets.json      for file_sd_configs
    dashboards/       for Grafana
    SERVICE/          the passwords: instance, console; queries.yaml: what its PostgreSQL's exporter asks
    prometheus/       what Prometheus recorded
    state/ log/

All of it is the servers' user's alone (0700).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components import supervisors
from components.contract import MonitoringControl
from components.monitoring import exporter, prometheus
from components.monitoring.rules.every import rule_file
from components.monitoring.settings import MonitoringSettings
from servers import binaries, osuser, paths

SUPERVISOR = "operations.monitoring.supervise"
"""The module that keeps all of it running: `python -m SUPERVISOR FOLDER`."""
OWN_EXPORTER = "operations.monitoring.exporter"
"""The module that exports our own figures: `python -m OWN_EXPORTER FOLDER`."""
_HERE = Path(__file__).parent

Passwords = Mapping[str, Mapping[str, str]]
"""By service: `instance` and `console`."""


def digest() -> str:
    """Of the code that writes the files: another one writes others."""
    files = [file for file in sorted(_HERE.rglob("*")) if file.suffix in {".py", ".yaml"}]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def write(control: MonitoringControl, passwords: Passwords, settings: MonitoringSettings) -> bool:
    """Lay the folder out; returns whether a file changed. Raises ServerError, ConfigurationError."""
    # Grafana's builders take half a second to import.
    from components.monitoring.dashboards.build import dashboards

    folder = Path(control.folder)
    for part in (folder, *(folder / name for name in ("state", "log", "prometheus", "dashboards"))):
        paths.make_private(part)
    paths.make_passable(Path(control.moves))
    for gone in folder.glob("*/instance"):
        if gone.parent.name not in control.services:
            shutil.rmtree(gone.parent)
    changed = []
    for service, words in passwords.items():
        paths.make_private(folder / service)
        changed += [_write(folder / service / name, word) for name, word in words.items()]
    changed += [
        _write(folder / "control.json", control.model_dump_json(indent=2) + "\n"),
        *(
            _write(folder / name / "queries.yaml", exporter.queries(watched))
            for name, watched in control.services.items()
        ),
        _write(folder / "rules.json", _json(rule_file(settings))),
        _write(folder / "targets.json", _json(prometheus.targets(control))),
        _write(folder / "prometheus.json", _json(prometheus.configuration(control))),
        _write(folder / "programs.json", _json(_programs(control, settings))),
    ]
    for name, text in dashboards(control.services).items():
        _write(folder / "dashboards" / name, text)  # nobody who runs reads them
    return any(changed)


def start(folder: Path) -> int:
    """Start who keeps it running; returns its process id. Raises ServerError where it does not come up."""
    return supervisors.start(SUPERVISOR, folder, "monitoring")


def remove(folder: Path, *, keep_data: bool) -> None:
    """Remove all of it; with `keep_data` what Prometheus recorded stays."""
    for part in folder.glob("*"):
        if keep_data and part.name == "prometheus":
            continue
        shutil.rmtree(part) if part.is_dir() else part.unlink()
    if folder.exists() and not any(folder.iterdir()):
        folder.rmdir()


def _programs(control: MonitoringControl, settings: MonitoringSettings) -> list[dict[str, Any]]:
    folder = Path(control.folder)
    found: list[dict[str, Any]] = [
        {
            "name": f"postgresql-{name}",
            "arguments": [
                str(binaries.monitor("postgres_exporter")),
                *exporter.arguments(watched, control.address, folder / name / "queries.yaml"),
            ],
            "environment": exporter.variables(watched, folder / name / "instance"),
        }
        for name, watched in control.services.items()
    ]
    found.append(
        {
            "name": "waqiti",
            "arguments": [sys.executable, "-m", OWN_EXPORTER, str(folder)],
            "environment": {},
            "becomes": False,
        }
    )
    if control.prometheus_port is not None:
        found.append(
            {
                "name": "prometheus",
                "arguments": [
                    str(binaries.monitor("prometheus")),
                    *prometheus.arguments(control, settings.retention),
                ],
                "environment": {},
            }
        )
    return found


def _json(document: Any) -> str:
    return json.dumps(document, indent=1) + "\n"


def _write(path: Path, text: str) -> bool:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    osuser.write_private(path, text)
    return True
