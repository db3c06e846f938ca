"""A restore point before a switch: should that turn out to be a mistake, all can go back to before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from components.contract import Contract
from core.errors import Interrupted, MigrationError
from core.points.create import Around, Limits, Wanted, create_point
from core.points.store import PointStore
from migration.journal.journal import Figures
from migration.journal.states import Verb

LIMITS = Limits(attempts=3)


def make_point_before(
    contract: Contract, services: Sequence[str], verb: Verb, around: Around, say: Callable[[str], None]
) -> Figures:
    """Make it, without digests (all rows have just been compared); returns figures for the journal.

    It is no condition of the switch: what kept it from being made is said and recorded. Raises Interrupted.
    """
    several = f"{len(services)}-services" if len(services) > 1 else services[0]
    named = ", ".join(services)
    name = f"before-{verb}-{several}-{datetime.now(UTC):%Y%m%dt%H%M%S}"
    wanted = Wanted(name, f"before the {verb} of {named}", digests=False, limits=LIMITS)
    try:
        point = create_point(contract, wanted, PointStore(contract), around)
    except Interrupted:
        raise
    except MigrationError as error:
        say(f"{named}: no restore point was made before the {verb}: {error}")
        return {"not_made": str(error)}
    return {"point": point.name, "pause_ms": point.pause_ms, "places": list(point.places)}
