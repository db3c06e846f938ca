-- A slot as its own server sees it; positions as bytes behind the end of the WAL.
SELECT
    s.active,
    s.wal_status,
    pg_catalog.pg_wal_lsn_diff(w.here, s.confirmed_flush_lsn)::pg_catalog.int8,
    pg_catalog.pg_wal_lsn_diff(w.here, s.restart_lsn)::pg_catalog.int8,
    s.confirmed_flush_lsn::pg_catalog.text,
    w.here::pg_catalog.text,
    pg_catalog.clock_timestamp(),
    s.slot_name::pg_catalog.text
FROM pg_catalog.pg_replication_slots s
CROSS JOIN (SELECT pg_catalog.pg_current_wal_lsn() AS here) AS w
WHERE s.slot_name = ANY (%(slots)s) AND s.database = pg_catalog.current_database()
