"""What dashboards show: titles, units, queries. Pure.

In a query `{own}` stands for the selector of the dashboard's services. Units are Grafana's names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Panel:
    """One panel: a line for each sample of its queries."""

    title: str
    queries: tuple[tuple[str, str], ...]
    """Legend and query."""
    unit: str = "short"
    kind: Literal["lines", "values"] = "lines"
    width: int = 8
    """Of 24."""
    help: str = ""
    sometimes: bool = False
    """Whether it is right that nothing is there (no move, no replica)."""


_DATABASE = 'datname!~"template.|postgres"'
_LEGEND = "{{service}}"

ALL: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "Is everything well?",
        (
            Panel(
                "Alarms that fire",
                (("", 'count(ALERTS{alertstate="firing"}) or vector(0)'),),
                kind="values",
                width=4,
            ),
            Panel("Instances down", (("", "count(pg_up == 0) or vector(0)"),), kind="values", width=4),
            Panel(
                "Gateways down",
                (("", "count(waqiti_gateway_up == 0) or vector(0)"),),
                kind="values",
                width=4,
            ),
            Panel("Oldest backup", (("", "max(waqiti_backup_age_seconds)"),), "s", kind="values", width=4),
            Panel(
                "Least disk left",
                (("", "min(waqiti_disk_free_bytes / waqiti_disk_size_bytes)"),),
                "percentunit",
                kind="values",
                width=4,
            ),
            Panel(
                "Shortest certificate",
                (("", "min(waqiti_certificate_days_left)"),),
                "d",
                kind="values",
                width=4,
            ),
        ),
    ),
    (
        "Who moves, and how far?",
        (
            Panel(
                "State of each move",
                (("{{service}} {{state}}", "waqiti_move_state"),),
                kind="values",
                width=12,
                sometimes=True,
            ),
            Panel(
                "Step under way",
                (("{{service}} {{step}}", "waqiti_move_step_seconds"),),
                "s",
                width=6,
                sometimes=True,
            ),
            Panel(
                "How long its last switch made wait",
                ((_LEGEND, "waqiti_move_pause_seconds"),),
                "s",
                width=6,
                sometimes=True,
            ),
        ),
    ),
    (
        "What do they do?",
        (
            Panel("Transactions", ((_LEGEND, "rate(waqiti_gateway_transactions_total[1m])"),), "ops"),
            Panel(
                "Time of a transaction",
                (
                    (
                        _LEGEND,
                        "rate(waqiti_gateway_transaction_seconds_total[1m])"
                        " / rate(waqiti_gateway_transactions_total[1m])",
                    ),
                ),
                "s",
                help="On average; PgBouncer has no percentiles.",
            ),
            Panel(
                "Connections taken",
                ((_LEGEND, "pg_instance_connections / pg_instance_max_connections"),),
                "percentunit",
            ),
        ),
    ),
)

ONE: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "Gateway",
        (
            Panel("Transactions", (("a second", "rate(waqiti_gateway_transactions_total{own}[1m])"),), "ops"),
            Panel(
                "Time of a transaction",
                (
                    (
                        "on average",
                        "rate(waqiti_gateway_transaction_seconds_total{own}[1m])"
                        " / rate(waqiti_gateway_transactions_total{own}[1m])",
                    ),
                    ("longest wait for a connection", "waqiti_gateway_longest_wait_seconds{own}"),
                ),
                "s",
            ),
            Panel(
                "Clients and connections",
                (
                    ("clients", "waqiti_gateway_clients{own}"),
                    ("waiting", "waqiti_gateway_clients_waiting{own}"),
                    ("connections used", "waqiti_gateway_connections_used{own}"),
                    ("connections idle", "waqiti_gateway_connections_idle{own}"),
                ),
            ),
        ),
    ),
    (
        "Database",
        (
            Panel(
                "Commits and rollbacks",
                (
                    ("commits", f"rate(pg_stat_database_xact_commit{{own+{_DATABASE}}}[1m])"),
                    ("rollbacks", f"rate(pg_stat_database_xact_rollback{{own+{_DATABASE}}}[1m])"),
                ),
                "ops",
            ),
            Panel(
                "Cache",
                (
                    (
                        "hits",
                        "sum(rate(pg_stat_database_blks_hit{own}[1m])) / (sum(rate(pg_stat_database_blks_hit"
                        "{own}[1m])) + sum(rate(pg_stat_database_blks_read{own}[1m])))",
                    ),
                ),
                "percentunit",
            ),
            Panel(
                "Sessions",
                (
                    ("sessions", "pg_instance_connections{own}"),
                    ("most", "pg_instance_max_connections{own}"),
                ),
            ),
            Panel(
                "Locks and transactions",
                (
                    ("locks waited for", "pg_instance_waiting_locks{own}"),
                    ("oldest transaction, s", "pg_instance_oldest_transaction_seconds{own}"),
                ),
            ),
            Panel("Deadlocks", (("", f"increase(pg_stat_database_deadlocks{{own+{_DATABASE}}}[1h])"),)),
            Panel(
                "Checkpoints",
                (
                    ("in time", "increase(pg_stat_checkpointer_num_timed_total{own}[1h])"),
                    ("forced by WAL", "increase(pg_stat_checkpointer_num_requested_total{own}[1h])"),
                ),
            ),
            Panel("WAL written", (("", "rate(pg_instance_wal_bytes{own}[1m])"),), "Bps"),
            Panel("WAL on disk", (("", "pg_wal_size_bytes{own}"),), "bytes"),
            Panel("WAL kept by slots", (("{{slot}}", "pg_slot_kept_bytes{own}"),), "bytes"),
            Panel("Size", (("", f"pg_database_size_bytes{{own+{_DATABASE}}}"),), "bytes"),
            Panel(
                "Transactions since the last freeze",
                (("", f"pg_database_wraparound_age_datfrozenxid_seconds{{own+{_DATABASE}}}"),),
            ),
            Panel(
                "Subscriptions",
                (("{{subscription}}", "pg_subscription_silent_seconds{own}"),),
                "s",
                help="Since the other side was last heard of.",
                sometimes=True,
            ),
            Panel(
                "Disk",
                (
                    ("free", "waqiti_disk_free_bytes{own}"),
                    ("size", "waqiti_disk_size_bytes{own}"),
                ),
                "bytes",
            ),
        ),
    ),
    (
        "Backups and certificate",
        (
            Panel(
                "Age of backup and WAL",
                (
                    ("backup", "waqiti_backup_age_seconds{own}"),
                    ("WAL received", "waqiti_backup_wal_age_seconds{own}"),
                ),
                "s",
            ),
            Panel(
                "Is the archive filled?",
                (
                    ("supervisor", "waqiti_backup_supervisor_up{own}"),
                    ("receiver", "waqiti_backup_receiver_up{own}"),
                ),
            ),
            Panel("Certificate", (("days left", "waqiti_certificate_days_left{own}"),), "d"),
        ),
    ),
)


def query_of(text: str, service: str | None, window: str = "$__rate_interval") -> str:
    """A panel's query for one service, or for all; rates are over `window`, by default Grafana's own."""
    own = "" if service is None else f'service="{service}"'
    return text.replace("{own}", f"{{{own}}}").replace("{own+", f"{{{own},").replace("[1m]", f"[{window}]")
