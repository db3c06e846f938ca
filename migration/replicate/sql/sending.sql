-- Of the slot in %(slots)s: the bytes of WAL that the server has written (any origin), how many of them the
-- subscriber has not confirmed, and whether its sender decodes now. NULL: that may not be seen, or nobody is
-- connected. Waiting for the subscriber to read, or for WAL to come, is no work of the sender's.
SELECT
    pg_catalog.pg_wal_lsn_diff(w.here, '0/0')::pg_catalog.float8,
    pg_catalog.pg_wal_lsn_diff(w.here, s.confirmed_flush_lsn)::pg_catalog.float8,
    CASE WHEN a.backend_type IS NULL THEN NULL
         ELSE coalesce(a.wait_event, '') NOT IN (
             'WalSenderMain', 'WalSenderWaitForWAL', 'WalSenderWaitForWal', 'WalSenderWriteData', 'ClientWrite')
    END
FROM pg_catalog.pg_replication_slots s
CROSS JOIN (SELECT pg_catalog.pg_current_wal_lsn() AS here) AS w
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = s.active_pid
WHERE s.slot_name = ANY (%(slots)s) AND s.database = pg_catalog.current_database()
