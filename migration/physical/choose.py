"""Whether a service's tables come as files or are copied, and what each would take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from components.contract import Service
from core.errors import FilesRefused, Interrupted, MigrationError
from core.sessions.connections import Database
from migration.catalog.tables import Table
from migration.physical.conditions import Facts, cheap_obstacles, failure, obstacles, read_facts
from migration.physical.estimate import Estimate, estimate
from migration.physical.heaps import Heap, read_heaps

Physical = Literal["auto", "always", "never"]
"""What `--physical` says."""


@dataclass(frozen=True)
class Chosen:
    """How the service's tables come."""

    estimate: Estimate
    heaps: dict[str, Heap]
    """What the source says of them, by their printed names; empty where nobody asked it."""

    def numbers(self) -> list[int]:
        """Of the source's tables of long values."""
        return [heap.toast for heap in self.heaps.values() if heap.toast is not None]


def look(
    service: Service,
    source: Database,
    target: Database,
    tables: Sequence[Table],
    *,
    replicas: bool,
    bytes_per_second: float | None = None,
    here: Facts | None = None,
) -> Chosen:
    """Estimate both ways, with what is in the way of files. Raises what connecting to the source raises.

    `here`: what the shared server said of itself a moment ago; None: it is asked.
    """
    blocked = cheap_obstacles(service, replicas=replicas)
    heaps: dict[str, Heap] = {}
    try:
        here = here or read_facts(source)
        blocked = blocked or obstacles(service, source, here, read_facts(target))
    except Interrupted:
        raise
    except MigrationError as error:
        blocked = [failure(error)]
    why_not = {}
    if not blocked:
        names = [table.name for table in tables if table.holds_rows]
        with source.connect() as connection, source.translated("looking how tables lie"):
            found = read_heaps(connection, names)
        heaps = {str(name): heap for name, heap in found.items()}
        why_not = {name: "it is gone" for name in names if name not in found}
        why_not |= {name: heap.why_not for name, heap in found.items() if heap.why_not is not None}
    made = estimate(
        tables, int(here["cluster_bytes"] or 0) if here else 0, why_not, blocked, bytes_per_second
    )
    return Chosen(made, heaps)


def decided(service: Service, found: Chosen, wanted: Physical) -> bool:
    """Whether they come as files. Raises FilesRefused where that has to be and cannot."""
    if wanted == "never":
        return False
    if wanted == "always":
        if found.estimate.files is None:
            raise FilesRefused(
                f"{service.name} cannot come as files: {'; '.join(found.estimate.obstacles)}"
                " (without --physical always it is copied)"
            )
        return True
    return found.estimate.quicker == "files"
