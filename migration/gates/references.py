"""Gates: the replicas that a service reads once it is served by its own database."""

from __future__ import annotations

from collections.abc import Iterator

from core.errors import MigrationError
from core.progress.units import size
from migration.gates.model import Gate, judged
from migration.gates.scene import Check, Scene, check
from migration.references.lag import read_readings
from migration.references.shape import changed_shapes


@check("references", "cutover")
def references(scene: Scene) -> Iterator[Gate]:
    """What it reads of other services follows closely."""
    limits = scene.limits
    for reading in read_readings(scene.contract, scene.there, scene.name):
        filling = reading.state == "filling"
        far = (reading.bytes or 0) > limits.lag_bytes or (reading.seconds or 0) > limits.lag_seconds
        yield judged(
            "references",
            bool(reading.problem) or filling or far,
            f"replica of {reading.link.referenced} ({reading.state}), {reading.behind()}",
            reading.problem
            or ("wait until it is filled" if filling else "wait until it has caught up (`status --watch`)"),
            limit=f"{size(limits.lag_bytes)}, {limits.lag_seconds:g} s",
            overridable=not reading.problem and not filling,
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
