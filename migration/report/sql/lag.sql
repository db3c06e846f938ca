-- How far the subscriber of a slot is behind, in bytes and seconds, and how much WAL the slot keeps.
SELECT
    coalesce(pg_catalog.pg_wal_lsn_diff(w.here, s.confirmed_flush_lsn), 0)::int8,
    coalesce(pg_catalog.pg_wal_lsn_diff(w.here, s.restart_lsn), 0)::int8,
    s.active,
    s.wal_status,
    extract(epoch FROM r.replay_lag)::float8,
    s.slot_name::text
FROM pg_catalog.pg_replication_slots s
LEFT JOIN pg_catalog.pg_stat_replication r ON r.pid = s.active_pid
CROSS JOIN (SELECT pg_catalog.pg_current_wal_lsn() AS here) AS w
WHERE s.slot_name = ANY (%(slots)s) AND s.database = pg_catalog.current_database()
