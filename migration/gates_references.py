"""Gates: the replicas that a service reads once it is served by its own database."""

from __future__ import annotations

from collections.abc import Iterator

from migration.errors import MigrationError
from migration.gates_model import Gate, judged
from migration.gates_scene import Check, Scene, check
from migration.plan_view import size
from migration.references_lag import read_readings
from migration.references_shape import changed_shapes


@check("references", "cutover")
def references(scene: Scene) -> Iterator[Gate]:
    """What it reads of other services follows closely."""
    limit = scene.limits.lag_bytes
    for reading in read_readings(scene.contract, scene.there, scene.name):
        behind = "" if reading.bytes is None else f", {size(reading.bytes)} behind"
        yield judged(
            "references",
            bool(reading.problem) or (reading.bytes or 0) > limit,
            f"replica of {reading.link.referenced}{behind}",
            reading.problem or "wait until it has caught up (`status`)",
            limit=size(limit),
            overridable=not reading.problem,
        )


@check("reference-types", "cutover")
def reference_types(scene: Scene) -> Iterator[Gate]:
    """The replicas are still made as what they follow."""
    try:
        changes = changed_shapes(scene.contract, scene.there, scene.name)
    except MigrationError as error:
        yield judged("reference-types", True, f"cannot be compared: {error}", "mend that first")
        return
    for change in changes:
        yield judged("reference-types", True, change.said, change.advice)
    if scene.own.replicas and not changes:
        yield judged("reference-types", False, "replicas are made as what they follow", "")


REFERENCES: tuple[Check, ...] = (references, reference_types)
