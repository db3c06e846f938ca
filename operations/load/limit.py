"""Rising rates up to a service's limit, and what a low rate already foretells of it.

The forecast is the utilization law (Denning and Buzen, 1978: U = X * D): a unit's demand for processor is
what the machine spent beyond its idling, divided by the units; no rate can ask for more than all its cores.
Clients that wait for answers reach no more than their number divided by what a unit takes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import psutil

from operations.load.places import Place
from operations.load.play import Played, play
from operations.load.resources import Cost, costing
from operations.load.stretch import Unit

GROWTH = 1.5
KEPT_UP = 0.95
"""Part of a rate that is answered in its time, else it is beyond the limit."""
FAILED = 0.01
SLOWER = 10.0
"""Times that the 95th percentile may be what it was at the first rate, and 50 ms are always allowed."""
ALLOWED_SECONDS = 0.05
MOST_STAGES = 16
IDLE_SECONDS = 2.0


@dataclass(frozen=True)
class Stage:
    """One rate."""

    rate: float
    played: Played
    cost: Cost
    beyond: str | None
    """Why it is beyond the limit; None: it is not."""

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {"beyond": self.beyond, **self.played.as_json(), **self.cost.as_json()}


@dataclass(frozen=True)
class Limit:
    """What rising rates showed."""

    stages: tuple[Stage, ...]
    forecast: float | None
    """Units a second, by the first rate alone; None: nothing could be told of it."""
    reached: Played
    """Without a rate: as fast as answers came."""

    @property
    def highest(self) -> float | None:
        """The highest rate that was kept up; None: none was."""
        kept = [stage.rate for stage in self.stages if stage.beyond is None]
        return max(kept, default=None)

    @property
    def off(self) -> float | None:
        """By what part the forecast is off what was reached."""
        if self.forecast is None or not self.reached.throughput:
            return None
        return self.forecast / self.reached.throughput - 1

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "stages": [stage.as_json() for stage in self.stages],
            "highest_rate": self.highest,
            "forecast": self.forecast and round(self.forecast, 1),
            "forecast_off": self.off and round(self.off, 4),
            "reached": self.reached.as_json(),
        }


def judged(played: Played, rate: float, first: Played | None) -> str | None:
    """Why `rate` is beyond the limit; None while it is kept up. `first`: the play at the first rate. Pure."""
    if played.failed > FAILED:
        return f"{played.failed:.1%} failed"
    wanted = max(played.offered, 1)
    if played.done < KEPT_UP * wanted or played.throughput < KEPT_UP * wanted / max(played.seconds, 1e-6):
        return f"{played.throughput:.0f} a second were answered"
    late, early = played.percentile(95), None if first is None else first.percentile(95)
    if late is not None and early is not None and late > max(SLOWER * early, ALLOWED_SECONDS):
        return f"p95 is {late * 1000:.0f} ms, {early * 1000:.1f} at the first rate"
    return None


def forecast(played: Played, cost: Cost, idle_busy: float, clients: int) -> float | None:
    """Units a second at most, by one play at a low rate; None where it cost nothing to speak of. Pure."""
    if not played.done or played.mean is None:
        return None
    demand = (cost.machine - idle_busy * cost.cores * cost.seconds) / played.done
    by_processor = cost.cores * (1 - idle_busy) / demand if demand > 0 else None
    by_clients = clients / played.mean if played.mean > 0 else None
    bounds = [bound for bound in (by_processor, by_clients) if bound is not None]
    return min(bounds, default=None)


def rising(
    place: Place,
    units: Sequence[Unit],
    *,
    clients: int,
    seconds: float,
    first_rate: float,
    check: Callable[[], None],
    say: Callable[[str], None],
) -> Limit:
    """Play at `first_rate`, and half as much more each time until one is beyond the limit; then without one.

    Raises what `play` does.
    """
    psutil.cpu_percent()
    _idle(check)
    idle = psutil.cpu_percent() / 100
    stages: list[Stage] = []
    rate = first_rate
    foretold: float | None = None

    def at(wanted: float) -> Played:
        return play(place, units, clients=clients, seconds=seconds, rate=wanted, check=check)

    while len(stages) < MOST_STAGES:
        played, cost = costing(place, partial(at, rate))
        beyond = judged(played, rate, stages[0].played if stages else None)
        if not stages:
            foretold = forecast(played, cost, idle, clients)
        stages.append(Stage(rate, played, cost, beyond))
        say(f"{rate:.0f} a second: {beyond or 'kept up'}")
        if beyond is not None:
            break
        rate *= GROWTH
    reached = play(place, units, clients=clients, seconds=seconds, check=check)
    say(f"without a rate: {reached.throughput:.0f} a second")
    return Limit(tuple(stages), foretold, reached)


def _idle(check: Callable[[], None]) -> None:
    until = time.monotonic() + IDLE_SECONDS
    while time.monotonic() < until:
        check()
        time.sleep(0.1)
