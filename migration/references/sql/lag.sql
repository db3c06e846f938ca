-- How far the reader of a slot is behind, in bytes and seconds, and how much WAL the slot keeps.
-- Seconds by the reader's own reports; while nobody reads, since when (known from PostgreSQL 17 on).
SELECT
    b.behind,
    coalesce(pg_catalog.pg_wal_lsn_diff(w.here, s.restart_lsn), 0)::pg_catalog.int8,
    -- Who only makes the slot, which may wait for old transactions, does not read it.
    s.active AND r.state IS DISTINCT FROM 'startup',
    s.wal_status,
    CASE
        WHEN NOT s.active THEN extract(
            epoch FROM pg_catalog.clock_timestamp()
                - (pg_catalog.to_jsonb(s) ->> 'inactive_since')::pg_catalog.timestamptz
        )
        WHEN r.replay_lag IS NULL AND b.behind = 0 THEN 0
        ELSE extract(epoch FROM r.replay_lag)
    END::pg_catalog.float8
FROM pg_catalog.pg_replication_slots s
LEFT JOIN pg_catalog.pg_stat_replication r ON r.pid = s.active_pid
CROSS JOIN (SELECT pg_catalog.pg_current_wal_lsn() AS here) AS w
CROSS JOIN LATERAL (
    SELECT coalesce(pg_catalog.pg_wal_lsn_diff(w.here, s.confirmed_flush_lsn), 0)::pg_catalog.int8 AS behind
) AS b
WHERE s.slot_name = ANY (%(slots)s) AND s.database = pg_catalog.current_database()
