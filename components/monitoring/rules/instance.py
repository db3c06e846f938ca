"""A service's own PostgreSQL. Pure."""

from __future__ import annotations

from components.monitoring.rules.model import Alert

_OWN = 'datname!~"template.|postgres"'
"""The service's database, not the server's own."""
_COMMITS = f"sum by (service) (rate(pg_stat_database_xact_commit{{{_OWN}}}[{{window}}]))"
_ROLLBACKS = f"sum by (service) (rate(pg_stat_database_xact_rollback{{{_OWN}}}[{{window}}]))"

ALERTS = (
    Alert(
        "InstanceDown",
        'pg_up == 0 or up{job="postgresql"} == 0',
        30,
        "critical",
        "{{ $labels.service }}: its PostgreSQL does not answer",
    ),
    Alert(
        "ConnectionsOut",
        "pg_instance_connections / pg_instance_max_connections > {limit}",
        60,
        "critical",
        "{{ $labels.service }}: {{ $value | humanizePercentage }} of its connections are taken",
        limit="connections",
    ),
    Alert(
        "LockWaits",
        "pg_instance_waiting_locks > 0",
        60,
        "warning",
        "{{ $labels.service }}: {{ $value }} sessions wait for locks, for a minute by now",
    ),
    Alert(
        "Deadlocks",
        f"sum by (service) (increase(pg_stat_database_deadlocks{{{_OWN}}}[{{window}}])) > 0",
        0,
        "warning",
        "{{ $labels.service }}: transactions were ended by deadlocks",
        window=900,
    ),
    Alert(
        "LongTransaction",
        "pg_instance_oldest_transaction_seconds > {limit}",
        60,
        "warning",
        "{{ $labels.service }}: a transaction is open for {{ $value | humanizeDuration }}",
        limit="transactionSeconds",
    ),
    Alert(
        "CacheLow",
        "sum by (service) (rate(pg_stat_database_blks_hit[{window}]))"
        " / (sum by (service) (rate(pg_stat_database_blks_hit[{window}]))"
        " + sum by (service) (rate(pg_stat_database_blks_read[{window}]))) < {limit}"
        " and sum by (service) (rate(pg_stat_database_blks_read[{window}])) > 100",
        900,
        "warning",
        "{{ $labels.service }}: only {{ $value | humanizePercentage }} of its reads are in the cache",
        limit="cacheHits",
        window=900,
    ),
    Alert(
        "TransactionsFail",
        f"{_ROLLBACKS} / ({_COMMITS} + {_ROLLBACKS}) > {{limit}} and {_ROLLBACKS} > 1",
        300,
        "warning",
        "{{ $labels.service }}: {{ $value | humanizePercentage }} of its transactions are rolled back",
        limit="rollbacks",
        window=300,
    ),
    Alert(
        "BusinessDown",
        "pg_business_success < {limit} * avg_over_time(pg_business_success[{window}])",
        120,
        "critical",
        "{{ $labels.service }}: business is at {{ $value }}, well below what it was over the last hour",
        limit="business",
        window=3600,
    ),
    Alert(
        "Wraparound",
        "max by (service) (pg_database_wraparound_age_datfrozenxid_seconds) > {limit}"
        " or max by (service) (pg_database_wraparound_age_datminmxid_seconds) > {limit}",
        600,
        "critical",
        "{{ $labels.service }}: vacuum has not frozen for {{ $value | humanize }} transactions",
        limit="transactionIds",
    ),
    Alert(
        "CheckpointPressure",
        "increase(pg_stat_checkpointer_num_requested_total[{window}]) > 5"
        " and increase(pg_stat_checkpointer_num_requested_total[{window}])"
        " / (increase(pg_stat_checkpointer_num_requested_total[{window}])"
        " + increase(pg_stat_checkpointer_num_timed_total[{window}])) > {limit}",
        600,
        "warning",
        "{{ $labels.service }}: checkpoints are forced by WAL, {{ $value | humanizePercentage }} of them",
        limit="requestedCheckpoints",
        window=1800,
    ),
    Alert(
        "SlotHoldsWal",
        "pg_slot_kept_bytes > {limit}",
        300,
        "critical",
        "{{ $labels.service }}: the slot {{ $labels.slot }} keeps {{ $value | humanize1024 }}B of WAL",
        limit="slotWalBytes",
    ),
    Alert(
        "SlotWithoutReader",
        "pg_slot_active == 0",
        600,
        "warning",
        "{{ $labels.service }}: nobody reads the slot {{ $labels.slot }}, which keeps WAL",
    ),
    Alert(
        "ReplicaBehind",
        "pg_subscription_silent_seconds > {limit} or pg_subscription_running == 0",
        60,
        "warning",
        "{{ $labels.service }}: its subscription {{ $labels.subscription }} does not follow",
        limit="replicaSilentSeconds",
    ),
    Alert(
        "DiskFilled",
        "waqiti_disk_free_bytes / waqiti_disk_size_bytes < {limit}",
        60,
        "critical",
        "{{ $labels.service }}: {{ $value | humanizePercentage }} of its disk is left",
        limit="diskFree",
    ),
    Alert(
        "DiskWillFill",
        "predict_linear(waqiti_disk_free_bytes[{window}], 86400) < 0"
        " and waqiti_disk_free_bytes / waqiti_disk_size_bytes < 0.5",
        3600,
        "warning",
        "{{ $labels.service }}: its disk is full in less than a day if this goes on",
        window=21_600,
    ),
)
