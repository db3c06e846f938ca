-- End sessions of this program on this database, but for the one that asks; returns how many are left.
SELECT count(pg_catalog.pg_terminate_backend(pid))
FROM pg_catalog.pg_stat_activity
WHERE datname = pg_catalog.current_database()
  AND application_name = ANY (%(names)s)
  AND pid <> pg_catalog.pg_backend_pid()
