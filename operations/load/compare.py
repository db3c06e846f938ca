"""The same load on the shared database and on the service's own instance, by turns.

What is compared is the time of a unit, which is the throughput of clients that wait for answers: of as many
clients, each loses a part of its throughput if its units take longer by that. Sides take turns, and the
middle of all rounds counts, so that what else the machine does meets both.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import LoadRefused
from operations.load.places import Place
from operations.load.play import WOULD_WRITE, Played, play
from operations.load.stretch import Unit

FAILED = 0.01


@dataclass(frozen=True)
class Round:
    """One play on each side."""

    shared: Played
    own: Played

    @property
    def loss(self) -> float:
        """Part of the throughput that is lost; below 0: gained. The own side's units were drawn alike."""
        if self.shared.rate is None:
            return 1 - self.own.throughput / self.shared.throughput
        assert self.own.mean is not None  # noqa: S101 (rounds without an answer are refused)
        return 1 - (self.shared.mean or 0.0) / self.own.mean


@dataclass(frozen=True)
class Comparison:
    """What came of all rounds."""

    rounds: tuple[Round, ...]

    @property
    def loss(self) -> float:
        """The middle of the rounds'."""
        return statistics.median(one.loss for one in self.rounds)

    @property
    def spread(self) -> float:
        """Between the best and the worst round: how much the figure can be trusted."""
        losses = [one.loss for one in self.rounds]
        return max(losses) - min(losses)

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "loss": round(self.loss, 4),
            "spread": round(self.spread, 4),
            "rounds": [
                {
                    "loss": round(one.loss, 4),
                    "shared": one.shared.as_json(),
                    "own": one.own.as_json(),
                }
                for one in self.rounds
            ],
        }


def compare(
    shared: Place,
    own: Place,
    units: Sequence[Unit],
    *,
    clients: int,
    seconds: float,
    rounds: int,
    rate: float | None,
    check: Callable[[], None],
    say: Callable[[str], None],
) -> Comparison:
    """Play `rounds` times on each side, each time with the same draw; a first play on each side warms it.

    Raises LoadRefused where a side does not answer the load as it should, and what `play` does.
    """
    for place in (shared, own):
        warmed = play(place, units, clients=clients, seconds=min(seconds, 2.0), rate=rate, check=check)
        _require(place, warmed)
    found: list[Round] = []
    for number in range(rounds):
        # Who goes first changes: what the one leaves behind in the machine's caches meets both.
        order = (shared, own) if number % 2 == 0 else (own, shared)
        played = {
            place.name: play(
                place, units, clients=clients, seconds=seconds, rate=rate, seed=number + 2, check=check
            )
            for place in order
        }
        for place in order:
            _require(place, played[place.name])
        found.append(Round(played[shared.name], played[own.name]))
        say(
            f"round {number + 1}: shared {found[-1].shared.throughput:.0f} a second, own "
            f"{found[-1].own.throughput:.0f}, loss {found[-1].loss:.1%}"
        )
    return Comparison(tuple(found))


def _require(place: Place, played: Played) -> None:
    failed = {code: count for code, count in played.errors.items() if code != WOULD_WRITE}
    every = played.done + sum(played.errors.values())
    if not played.done or sum(failed.values()) > FAILED * every:
        code = next(iter(failed or played.errors), "nothing was answered")
        raise LoadRefused(
            f"{place.database.label} does not answer the load ({sum(played.errors.values())} of {every} "
            f"failed, the first by {code}): the service has to follow there first (`python -m migration "
            "start`), and what was recorded has to be its own"
        )
