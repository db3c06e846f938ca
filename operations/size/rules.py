"""From what was measured to what the catalogue should say, each with its reason. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from operations.size.measure import Measured

LEAST_POOL = 5
HEADROOM = 1.5
"""Times a peak: what was seen is not the most that will come."""
BESIDE_THE_POOL = 40
"""Connections of an instance that are no application's: of schema migrations (30), backups, people."""
HITS_WANTED, HITS_ENOUGH = 0.95, 0.995
FORCED_WANTED = 0.1
HALF_A_YEAR = 182 * 86_400
MB = 1024**2
GB = 1024**3
SHORT = 86_400
"""Seconds: less was measured than a day, with its peak."""


@dataclass(frozen=True)
class Proposal:
    """One value of a service's entry."""

    service: str
    path: tuple[str, ...]
    """Keys under the service, for example `("pool", "maximum")`."""
    now: str
    proposed: str
    reason: str


def proposals(measured: Measured) -> list[Proposal]:
    """What should change; nothing where what there is fits."""
    return [*_pool(measured), *_connections(measured), *_buffers(measured), *_wal(measured)]


def disk_in_half_a_year(measured: Measured) -> int:
    """Bytes: the database at its pace, WAL twice over, and a fifth for what vacuum has not cleaned up."""
    grown = measured.bytes + max(measured.growth_per_second or 0.0, 0.0) * HALF_A_YEAR
    return math.ceil((grown * 1.2 + 2 * measured.max_wal_size) / GB) * GB


def _pool(one: Measured) -> Iterator[Proposal]:
    wanted = _wanted_pool(one)
    if wanted is None or wanted == one.pool:
        return
    if wanted > one.pool:
        reason = (
            f"clients waited up to {one.longest_wait or 0:.1f} s while {one.connections_used:.0f} were in use"
        )
    else:
        reason = f"{one.connections_used:.0f} were in use at most, and nobody waited"
    yield Proposal(one.service, ("pool", "maximum"), str(one.pool), str(wanted), reason)


def _wanted_pool(one: Measured) -> int | None:
    if one.connections_used is None:
        return None
    waited = (one.longest_wait or 0.0) >= 1.0
    if waited and one.connections_used >= 0.9 * one.pool:
        return math.ceil(one.pool * HEADROOM)
    wanted = max(LEAST_POOL, math.ceil(one.connections_used * HEADROOM))
    return wanted if not waited and wanted < 0.6 * one.pool else one.pool


def _connections(one: Measured) -> Iterator[Proposal]:
    pool = _wanted_pool(one) or one.pool
    beside = max(0.0, (one.sessions or 0.0) - (one.connections_used or 0.0))
    wanted = 10 * math.ceil((pool + max(BESIDE_THE_POOL, beside * HEADROOM)) / 10)
    if wanted > one.max_connections or wanted < 0.6 * one.max_connections:
        yield Proposal(
            one.service,
            ("resources", "maxConnections"),
            str(one.max_connections),
            str(wanted),
            f"a pool of {pool}, and beside it {BESIDE_THE_POOL} for migrations, backups and people"
            f" ({one.sessions or 0:.0f} sessions at most so far)",
        )


def _buffers(one: Measured) -> Iterator[Proposal]:
    if one.cache_hits is None:
        return
    if one.cache_hits < HITS_WANTED and one.bytes > one.shared_buffers:
        wanted = min(2 * one.shared_buffers, one.bytes)
        reason = f"{one.cache_hits:.1%} of what was read was in the cache, and {_mb(one.bytes)} do not fit"
    elif one.cache_hits > HITS_ENOUGH and 4 * one.bytes < one.shared_buffers:
        wanted = max(2 * one.bytes, 32 * MB)
        reason = f"all of its {_mb(one.bytes)} fit four times over"
    else:
        return
    if _mb(wanted) != _mb(one.shared_buffers):
        where = ("resources", "sharedBuffers")
        yield Proposal(one.service, where, _mb(one.shared_buffers), _mb(wanted), reason)


def _wal(one: Measured) -> Iterator[Proposal]:
    if one.wal_per_second is None or (one.forced_checkpoints or 0.0) <= FORCED_WANTED:
        return
    # Between two checkpoints WAL of both is there: three times what is written in one's time.
    wanted = 64 * MB * math.ceil(3 * one.wal_per_second * one.checkpoint_seconds / (64 * MB))
    if wanted > one.max_wal_size:
        yield Proposal(
            one.service,
            ("parameters", "max_wal_size"),
            _mb(one.max_wal_size),
            _mb(wanted),
            f"{one.forced_checkpoints or 0:.0%} of checkpoints were forced;"
            f" {one.wal_per_second / MB:.1f} MB of WAL a second in the busiest minutes",
        )


def _mb(count: float) -> str:
    return f"{math.ceil(count / MB)}MB"
