"""Gates: schema changes that the other side does not have yet, or that were refused."""

from __future__ import annotations

from collections.abc import Iterator

from migration.carry.pending import pending_changes
from migration.gates.model import Gate, judged
from migration.gates.scene import Check, Scene, check


@check("schema-changes", "cutover", "rollback")
def schema_changes(scene: Scene) -> Iterator[Gate]:
    """What a deploy changed since the start is on both sides. A switch waits for what is not."""
    direction = scene.flow_direction
    publisher, subscriber = scene.writable[1], scene.here if direction == "forward" else scene.there
    with scene.source.translated("reading which schema changes wait"):
        found = (
            pending_changes(scene.service, direction, publisher, subscriber, scene.move.started)
            if scene.move
            else ()
        )
    if not found:
        yield judged("schema-changes", False, "none waits, none was refused", "")
    for one in found:
        yield judged("schema-changes", True, f"{one.state}: {one.what}", one.to_do, otherwise="warn")


CARRIED: tuple[Check, ...] = (schema_changes,)
