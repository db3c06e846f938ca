"""Writes a report: one self-contained HTML page, and the same as JSON beside it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from core.progress.units import duration, size
from migration.report import charts
from migration.report.answer import Answer, answer
from migration.report.charts import Mark, Segment, timeline
from migration.report.model import Report, ServiceReport
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
    _write(data, json.dumps(as_json(report), indent=2) + "\n")
    return page, data


def as_json(report: Report) -> dict[str, Any]:
    """The whole report with its answer, JSON types only."""
    return {**report.as_json(), "answer": answer(report).as_json()}


def render(report: Report) -> str:
    """The page: no script, no style sheet, font or image from elsewhere."""
    # Only a run has a report: the other verbs need not wait for what draws it.
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("migration.report.write", "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    longest = max((service.seconds for service in report.services), default=0.0) or 1.0
    steps = {phase.step for service in report.services for phase in service.phases if phase.seconds}
    shown = {phase_of(step) for step in steps}
    marks = [mark for service in report.services for mark in _marks(service, service.service)]

    def chart(name: str, *values: Any) -> Markup:
        # Made by `charts`, which escapes what it is given.
        return Markup(getattr(charts, name)(*values))  # noqa: S704

    def line(service: ServiceReport) -> list[Segment]:
        return timeline(service.phases, longest)

    environment.filters.update(size=size, duration=duration, n=_grouped, short=_short)
    environment.globals.update(
        chart=chart,
        timeline=line,
        marks=_marks,
        all_marks=marks,
        phases=[one for one in Phase if one in shown],
    )
    found: Answer = answer(report)
    return environment.get_template("report.html").render(report=report, answer=found)


def _marks(service: ServiceReport, word: str = "") -> list[Mark]:
    """When clients waited, or (with a word) when the service was led to its own database."""
    if word:
        at = service.at_home
        return [] if at is None else [Mark(at.timestamp(), word)]
    begun = [] if service.began is None else [Mark(service.began.timestamp(), "start")]
    return [*begun, *(Mark(one.began.timestamp(), one.verb) for one in service.pauses if one.done)]


def _grouped(number: float) -> str:
    return f"{number:,.0f}"


def _short(digest: str) -> str:
    return digest[:12]


def _write(path: Path, text: str) -> None:
    with os.fdopen(
        os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
