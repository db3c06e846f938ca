"""Gate: the service's move was rehearsed lately, where services.yaml asks for that; reads what was kept."""

from __future__ import annotations

import time
from collections.abc import Iterator

from core.progress.units import duration
from core.rehearsals import Rehearsal, read_rehearsal
from migration.gates.model import Gate, judged
from migration.gates.scene import Check, Scene, check

_NAME = "rehearsal"


def judge(service: str, found: Rehearsal | None, catalogue: str, now: float, limit: float) -> Gate:
    """None, an old one, one of another catalogue, or one that something stopped, is a no-go."""
    advice = f"python -m migration rehearse {service}"
    if found is None:
        return _gate("its move was never rehearsed", advice, limit, wrong=True)
    said = f"its move was rehearsed {duration(max(now - found.at, 0.0))} ago"
    if found.catalogue != catalogue:
        return _gate(f"{said}, by another services.yaml", advice, limit, wrong=True)
    if not found.went_well:
        why = found.refused[0] if found.refused else "rows differed"
        return _gate(f"{said}, and would not have been switched: {why}", advice, limit, wrong=True)
    return _gate(said, advice, limit, wrong=now - found.at > limit)


def _gate(figure: str, advice: str, limit: float, *, wrong: bool) -> Gate:
    return judged(_NAME, wrong, figure, advice, limit=f"younger than {duration(limit)}", overridable=True)


@check(_NAME, "start")
def rehearsal(scene: Scene) -> Iterator[Gate]:
    """A rehearsal younger than the catalogue's limit went well."""
    limit = scene.service.rehearsal_limit
    if limit is not None:
        found = read_rehearsal(scene.contract, scene.name)
        yield judge(scene.name, found, scene.contract.catalogue_digest, time.time(), limit)


REHEARSALS: tuple[Check, ...] = (rehearsal,)
