-- What a server has free for replication: WAL level, slots, senders, logical workers, origins.
SELECT
    pg_catalog.current_setting('wal_level'),
    pg_catalog.current_setting('max_replication_slots')::int
        - (SELECT pg_catalog.count(*)::int FROM pg_catalog.pg_replication_slots),
    pg_catalog.current_setting('max_wal_senders')::int
        - (SELECT pg_catalog.count(*)::int FROM pg_catalog.pg_stat_replication),
    least(
        pg_catalog.current_setting('max_logical_replication_workers')::int
            - (SELECT pg_catalog.count(*)::int FROM pg_catalog.pg_stat_subscription WHERE pid IS NOT NULL),
        pg_catalog.current_setting('max_worker_processes')::int
            - (SELECT pg_catalog.count(*)::int FROM pg_catalog.pg_stat_activity
               WHERE backend_type NOT IN ('client backend', 'walsender', 'autovacuum worker',
                   'autovacuum launcher', 'background writer', 'checkpointer', 'walwriter', 'archiver',
                   'startup', 'walreceiver', 'walsummarizer', 'slotsync worker', 'io worker'))),
    coalesce(
        pg_catalog.current_setting('max_active_replication_origins', true),
        pg_catalog.current_setting('max_replication_slots'))::int
        - (SELECT pg_catalog.count(*)::int FROM pg_catalog.pg_replication_origin)
