"""Writes the report of a run: one self-contained HTML page, and the same as JSON beside it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from core.progress.units import size
from migration.report.model import Report
from migration.report.phases import Phase, phase_of
from servers.paths import state_dir


def write_report(report: Report, folder: Path | None = None) -> tuple[Path, Path]:
    """Write the page and the JSON; returns their paths.

    `folder` defaults to `reports/` in the state folder. Only the owner can read them: keys of rows that
    differ are in them.
    """
    folder = folder or state_dir() / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"migration-{report.made:%Y%m%d-%H%M%S}-{os.getpid()}"
    page, data = folder / f"{stem}.html", folder / f"{stem}.json"
    _write(page, render(report))
    _write(data, json.dumps(report.as_json(), indent=2) + "\n")
    return page, data


def render(report: Report) -> str:
    """The page: no script, no style sheet, font or image from elsewhere."""
    # Only a run has a report: the other verbs need not wait for what draws it.
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("migration.report.write", "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["size"] = size
    environment.filters["colour"] = _colour
    longest = max((service.seconds for service in report.services), default=0.0)
    steps = {phase.step for service in report.services for phase in service.phases if phase.seconds}
    shown = {phase_of(step) for step in steps}
    phases = [phase for phase in Phase if phase in shown]
    page = environment.get_template("report.html")
    return page.render(report=report, longest=longest or 1.0, phases=phases)


def _colour(step: str) -> str:
    phase = phase_of(step)
    return phase.colour if phase else "currentColor"


def _write(path: Path, text: str) -> None:
    with os.fdopen(
        os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
