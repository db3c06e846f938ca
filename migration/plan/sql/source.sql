SELECT
    current_setting('server_version_num')::int / 10000,
    current_setting('wal_level'),
    current_setting('max_replication_slots')::int - (SELECT count(*)::int FROM pg_replication_slots),
    current_setting('max_wal_senders')::int
        - (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'walsender'),
    pg_is_in_recovery(),
    pg_encoding_to_char(encoding)
FROM pg_database
WHERE datname = current_database()
