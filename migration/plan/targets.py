"""Whether a schema fits into a service's own database: its version and encoding. Pure.

Extensions are in `judge.extensions`, locales in `judge.locale`, what its server's build lacks is in `builds`,
what its version takes otherwise in `versions`.
"""

from __future__ import annotations

from collections.abc import Iterator

from components.contract import Service
from migration.boundary.closure import Closure
from migration.catalog.objects import Catalog
from migration.plan.builds import build_problems
from migration.plan.judge.extensions import extension_problems
from migration.plan.judge.locale import locale_problems
from migration.plan.model import Problem, TargetFacts
from migration.plan.versions import version_problems


def target_problems(
    service: Service, catalog: Catalog, closure: Closure, target: TargetFacts
) -> Iterator[Problem]:
    """What the service's own database would refuse, or do differently."""
    yield from _server(service, catalog, target)
    yield from locale_problems(service, catalog, closure, target)
    yield from extension_problems(service, catalog, closure, target)
    yield from build_problems(service, catalog, closure, target)
    yield from version_problems(service, catalog, closure, target)


def _server(service: Service, catalog: Catalog, target: TargetFacts) -> Iterator[Problem]:
    source = catalog.server
    if target.major < source.major:
        yield Problem(
            service.name,
            "version",
            "no-go",
            f"{service.name}'s database runs PostgreSQL {target.major}, older than the shared one's"
            f" {source.major}; give it `version: {source.major}` or newer",
        )
    if target.encoding != source.encoding:
        yield Problem(
            service.name,
            "encoding",
            "no-go" if target.encoding != "UTF8" else "note",
            f"encoding {source.encoding} in the shared database, {target.encoding} in {service.name}'s own:"
            " text is converted",
        )
