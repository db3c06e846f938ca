-- Move a logical slot to the end of the WAL: where it got, where that is, and whether it fell short.
WITH wanted AS MATERIALIZED (SELECT pg_catalog.pg_current_wal_insert_lsn() AS lsn)
SELECT reached.end_lsn::pg_catalog.text, wanted.lsn::pg_catalog.text,
       reached.end_lsn OPERATOR(pg_catalog.<) wanted.lsn
FROM wanted, pg_catalog.pg_replication_slot_advance(%(slot)s, wanted.lsn) AS reached
