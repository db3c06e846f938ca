-- Client sessions of this database that are in no transaction, and since when.
SELECT pid, state_change
FROM pg_catalog.pg_stat_activity
WHERE datname = pg_catalog.current_database() AND backend_type = 'client backend' AND state = 'idle'
