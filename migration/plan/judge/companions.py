"""What moves only because statements might use it, and cannot be made on the service's server, stays. Pure.

Code of `public` is on everybody's search_path, so that it goes along with every service. A collation of ICU
there that nobody asks for is no reason to keep a service from moving to a server without ICU.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from components.contract import Service
from migration.boundary.closure import Closure
from migration.catalog.identity import ObjectId
from migration.catalog.objects import Catalog
from migration.plan.builds import build_problems
from migration.plan.checks import object_problems
from migration.plan.model import Problem, TargetFacts


def without_unfit(
    service: Service, catalog: Catalog, closure: Closure, target: TargetFacts
) -> tuple[Closure, tuple[Problem, ...]]:
    """The closure without companions that `target` cannot have, nor those that need one; with a note for each
    that is left out by itself."""
    wholes: dict[ObjectId, set[ObjectId]] = {}
    for key in closure.companions:
        wholes.setdefault(catalog.whole(key), set()).add(key)
    left: dict[ObjectId, str] = {}
    for whole, parts in wholes.items():
        alone = replace(closure, objects=frozenset(parts))
        why = next(_reasons(service, catalog, alone, target), None)
        if why is not None:
            left[whole] = why
    if not left:
        return closure, ()
    gone = set(left)
    grown = True
    while grown:
        more = {
            whole for whole, parts in wholes.items() if whole not in gone and _needs(catalog, parts) & gone
        }
        gone |= more
        grown = bool(more)
    without = frozenset(part for whole in gone for part in wholes[whole])
    notes = tuple(
        Problem(
            service.name,
            "build",
            "note",
            f"{catalog.objects[whole]} stays behind: nothing of {service.name} needs it, and {why}",
        )
        for whole, why in sorted(left.items(), key=lambda pair: str(catalog.objects[pair[0]]))
    )
    return replace(closure, objects=closure.objects - without, companions=closure.companions - without), notes


def _reasons(service: Service, catalog: Catalog, alone: Closure, target: TargetFacts) -> Iterator[str]:
    for problem in (
        *build_problems(service, catalog, alone, target),
        *object_problems(service, catalog, alone),
    ):
        if problem.severity == "no-go":
            yield problem.text


def _needs(catalog: Catalog, parts: set[ObjectId]) -> set[ObjectId]:
    return {catalog.whole(d.referenced) for part in parts for d in catalog.outgoing.get(part, ())}
