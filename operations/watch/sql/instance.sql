-- One row of a service's own database, as its monitoring role: sessions, locks, counters, WAL that slots keep.
SELECT (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend') AS connections,
       pg_catalog.current_setting('max_connections')::int AS max_connections,
       (SELECT count(*) FROM pg_catalog.pg_locks WHERE NOT granted) AS locks,
       d.xact_commit + d.xact_rollback AS transactions,
       d.blks_hit AS hits,
       d.blks_read AS reads,
       d.deadlocks,
       coalesce((SELECT max(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), restart_lsn))
                   FROM pg_catalog.pg_replication_slots), 0)::bigint AS kept_bytes
  FROM pg_catalog.pg_stat_database d
 WHERE d.datname = pg_catalog.current_database()
