"""Gate: what applications name in their statements is on the service's own database."""

from __future__ import annotations

from collections.abc import Iterator

from core.errors import TargetLacks
from core.services_yaml import in_words
from migration.examine.applications import application_problems
from migration.gates.model import Gate, judged
from migration.gates.scene import Check, Scene, check
from migration.plan.facts import read_target
from migration.traffic.read import read_needs


@check("runtime-names", "cutover")
def runtime_names(scene: Scene) -> Iterator[Gate]:
    """No statement names a function, a type or a table that only the shared database has."""
    with scene.source.translated("reading pg_stat_statements"):
        ran, found = read_needs(scene.there, scene.contract, scene.plan.catalog)
    if ran.advice:
        yield Gate("runtime-names", "unknown", "pg_stat_statements cannot be read", "none", ran.advice)
        return
    problems = list(application_problems(scene.service, found, read_target(scene.target))) if found else []
    certain = [problem for problem in problems if problem.severity == "no-go"]
    first = next(iter([*certain, *problems]), None)
    yield judged(
        "runtime-names",
        first is not None,
        f"{len(problems)}, the first: {first.text}" if first is not None else "none",
        (in_words(first.line) if first is not None and first.line else "see the figure"),
        limit="none",
        otherwise="no-go" if certain else "warn",
        overridable=bool(certain),
        error=TargetLacks,
    )


APPLICATIONS: tuple[Check, ...] = (runtime_names,)
