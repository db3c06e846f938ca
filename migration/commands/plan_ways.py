"""What `plan` says of the two ways in which a service's rows may come: `--physical` of `start`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from components.contract import Contract, Service
from core.errors import AuthenticationFailed, CopyFailed
from core.progress.units import duration
from core.sessions.stack import source_database, target_database
from migration.physical.choose import look
from migration.physical.conditions import Facts, read_facts
from migration.physical.estimate import Estimate
from migration.plan.model import Plan


def ways(contract: Contract, services: Sequence[Service], plan: Plan) -> dict[str, Estimate]:
    """Both estimates of each service; what cannot be looked at is in the way of files."""
    source = source_database(contract)
    here: Facts | None = None
    with suppress(CopyFailed, AuthenticationFailed):
        here = read_facts(source)
    found = {}
    for service in services:
        own = plan.services[service.name]
        chosen = look(
            service, source, target_database(service), own.tables, replicas=bool(own.replicas), here=here
        )
        found[service.name] = chosen.estimate
    return found


def ways_view(found: Mapping[str, Estimate]) -> RenderableType:
    """A table, and a line for each thing that is in the way."""
    grid = Grid(title="How their rows may come (start --physical)", title_justify="left")
    for name in ("service", "copied", "as files", "auto takes"):
        grid.add_column(name, justify="left" if name == "service" else "right")
    lines: dict[str, list[str]] = {}
    for name, one in found.items():
        files = "no" if one.files is None else duration(one.files)
        grid.add_row(name, duration(one.copy), files, "files" if one.quicker == "files" else "copy")
        for obstacle in one.obstacles:
            lines.setdefault(obstacle, []).append(name)
    said = [f"  - not as files: {', '.join(names)}: {obstacle}" for obstacle, names in lines.items()]
    for one in found.values():
        if one.files is not None:
            said += [f"  - copied in either way: {table}: {why}" for table, why in one.why_not]
    return Group(grid, *(Text(line) for line in said))


def ways_json(found: Mapping[str, Estimate]) -> dict[str, Any]:
    """By service: seconds either way, what `auto` takes, what is in the way."""
    return {
        name: {
            "copy_seconds": round(one.copy, 1),
            "files_seconds": None if one.files is None else round(one.files, 1),
            "auto": one.quicker,
            "obstacles": list(one.obstacles),
            "copied_all_the_same": {str(table): why for table, why in one.why_not},
        }
        for name, one in found.items()
    }
