"""The program, killed inside the step that brings tables as files: `WAQITI_TEST_POINT` says where."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from migration.__main__ import main
from migration.physical import base_backup, bring, clone, graft
from migration.physical.places import Places


def die(*_: object, **__: object) -> None:
    """As if the machine's owner had done it."""
    os.kill(os.getpid(), signal.SIGKILL)


def _after(place: Any, name: str) -> None:
    whole: Callable[..., Any] = getattr(place, name)

    def done(*arguments: Any, **options: Any) -> Any:
        whole(*arguments, **options)
        die()

    setattr(place, name, done)


def _halfway(places: Places) -> None:
    places.data.rename(places.before)
    die()


POINTS: dict[str, Callable[[], None]] = {
    "the instance is stopped for its numbers": lambda: _after(bring, "set_next_number"),
    "the slot is there": lambda: _after(clone, "make_slot"),
    "the backup has begun": lambda: _after(base_backup, "_new"),
    "the backup is there": lambda: _after(bring, "take_base_backup"),
    "the clone runs": lambda: _after(clone, "recover"),
    "the instance's copy runs, frozen": lambda: _after(graft, "_freeze"),
    "states are the source's": lambda: _after(graft, "_take_states"),
    "some files are in their places": lambda: _after(graft, "_put"),
    "the catalogue is told": lambda: _after(graft, "_tell"),
    "all is there but the exchange": lambda: _after(bring, "graft"),
    "one folder is renamed": lambda: setattr(bring, "exchange", _halfway),
    "the instance is the new one": lambda: _after(bring, "exchange"),
}

if __name__ == "__main__":
    POINTS[os.environ["WAQITI_TEST_POINT"]]()
    sys.exit(main())
