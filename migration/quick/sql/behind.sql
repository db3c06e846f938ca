-- Whether this server's WAL ends before a position that another has applied from it: it was restored.
SELECT pg_catalog.pg_current_wal_lsn() < %(lsn)s::pg_catalog.pg_lsn,
       pg_catalog.pg_wal_lsn_diff(%(lsn)s::pg_catalog.pg_lsn, pg_catalog.pg_current_wal_lsn())::pg_catalog.int8
