"""What a service did over a time, as the stack's Prometheus remembers, and what its instance has now."""

from __future__ import annotations

import json
import math
import urllib.parse
import urllib.request
from contextlib import closing
from dataclasses import dataclass

from psycopg.rows import dict_row

from components.contract import Service
from core.errors import NotMeasured
from core.sessions.connections import Database
from core.sessions.queries import queries

query = queries(__package__)

SECONDS = 20.0
_HITS = "sum(increase(pg_stat_database_blks_hit{OWN}[W]))"


@dataclass(frozen=True)
class Measured:
    """Peaks of a time, and what there is now. None: it was not seen."""

    service: str
    seconds: float
    """Over how long figures exist, at most the time that was asked for."""
    pool: int
    """`pool.maximum`, now."""
    connections_used: float | None
    """The gateway's connections that had a client, at most."""
    longest_wait: float | None
    """Seconds that a client waited for one, at most."""
    sessions: float | None
    """Of the instance, at most."""
    cache_hits: float | None
    """Part of what was read that was in the cache, over the time."""
    wal_per_second: float | None
    """Bytes, on average over the busiest five minutes."""
    forced_checkpoints: float | None
    """Part of all, over the time."""
    growth_per_second: float | None
    """Bytes that the database grew."""
    bytes: int
    """The database's, now."""
    shared_buffers: int
    max_connections: int
    max_wal_size: int
    checkpoint_seconds: int


def measure(service: Service, prometheus: str, window: str) -> Measured:
    """Raises NotMeasured where Prometheus does not answer or knows nothing of it; TargetUnreachable."""

    def ask(expression: str) -> float | None:
        own = expression.replace("OWN", f'service="{service.name}"')
        return _ask(prometheus, own.replace("[W]", f"[{window}]").replace("[W:", f"[{window}:"))

    first = ask("time() - min_over_time(timestamp(pg_up{OWN})[W:1m])")
    if first is None:
        raise NotMeasured(
            f"nothing was measured of {service.name} in the last {window}; is it watched for so long?"
        )
    database = Database(
        f"{service.name}'s own database", "target", service.instance, service.monitoring, plain=True
    )
    with closing(database.connect(application_name="waqiti-size")) as session:
        row = session.cursor(row_factory=dict_row).execute(query("instance")).fetchone() or {}
    return Measured(
        service=service.name,
        seconds=first,
        pool=service.pool_maximum,
        connections_used=ask("max_over_time(waqiti_gateway_connections_used{OWN}[W])"),
        longest_wait=ask("max_over_time(waqiti_gateway_longest_wait_seconds{OWN}[W])"),
        sessions=ask("max_over_time(pg_instance_connections{OWN}[W])"),
        cache_hits=ask(f"{_HITS} / ({_HITS} + sum(increase(pg_stat_database_blks_read{{OWN}}[W])))"),
        wal_per_second=ask("max_over_time(rate(pg_instance_wal_bytes{OWN}[5m])[W:1m])"),
        forced_checkpoints=ask(
            "increase(pg_stat_checkpointer_num_requested_total{OWN}[W])"
            " / (increase(pg_stat_checkpointer_num_requested_total{OWN}[W])"
            " + increase(pg_stat_checkpointer_num_timed_total{OWN}[W]))"
        ),
        growth_per_second=ask(
            f'deriv(pg_database_size_bytes{{OWN, datname="{service.instance.database}"}}[W])'
        ),
        **row,
    )


def _ask(prometheus: str, expression: str) -> float | None:
    url = f"{prometheus}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 (a stack's own, on loopback)
            found = json.load(answer)["data"]["result"]
    except (OSError, ValueError, KeyError) as error:
        raise NotMeasured(f"Prometheus at {prometheus} does not answer: {error}") from error
    value = float(found[0]["value"][1]) if found else math.nan
    return None if math.isnan(value) else value
