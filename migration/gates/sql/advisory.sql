-- Processes that hold an advisory lock in this database.
SELECT DISTINCT pid
FROM pg_catalog.pg_locks
WHERE locktype = 'advisory' AND granted AND pid IS NOT NULL
  AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
