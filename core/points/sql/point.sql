-- In the pause, with no writer: the snapshot, then the point, in one statement.
SELECT {snapshot} AS snapshot,
       pg_catalog.pg_create_restore_point({name})::pg_catalog.text AS lsn,
       pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8) AS timeline,
       pg_catalog.pg_current_snapshot()::pg_catalog.text AS seen
