-- Who may have passed a guard before it was closed: sessions and prepared transactions that hold a lock
-- only writers (or TRUNCATE, rewrites, and DDL of triggers) take on a guarded table. Apply workers are not guarded.
--
-- No lock is taken for this: a writer holds its lock before it reads the flag, so one that is not here
-- reads the flag after it was closed.
WITH writers AS MATERIALIZED (
    SELECT DISTINCT pid, virtualtransaction
    FROM pg_catalog.pg_locks
    WHERE locktype = 'relation' AND granted
      AND mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'AccessExclusiveLock')
      AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
      AND relation IN (
          SELECT t.tgrelid
          FROM pg_catalog.pg_trigger t
          WHERE t.tgfoid = pg_catalog.to_regprocedure(%(function)s)
          UNION ALL
          -- Its new tables have no guards yet: who makes one writes it down here.
          SELECT pg_catalog.to_regclass(log) FROM pg_catalog.unnest(%(logs)s::pg_catalog.text[]) AS log)
)
SELECT w.pid, a.usename::pg_catalog.text, a.application_name, a.state,
       extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::pg_catalog.float8
FROM writers w
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = w.pid
WHERE w.pid IS NULL
   OR NOT EXISTS (SELECT FROM pg_catalog.pg_stat_subscription s WHERE s.pid = w.pid)
