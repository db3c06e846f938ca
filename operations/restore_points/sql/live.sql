-- Which server this is, on which time-line, and whether an LSN is behind it.
SELECT (SELECT system_identifier FROM pg_catalog.pg_control_system()),
       ('x' || pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8))::pg_catalog.bit(32)
           ::pg_catalog.int8,
       %(lsn)s::pg_catalog.pg_lsn <= pg_catalog.pg_current_wal_lsn()
