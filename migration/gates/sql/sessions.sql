-- Client sessions of this database that hold a lock on a table of the schema, work for the service's
-- gateway (pids), or are in a transaction as one of the roles; never the migration's own.
WITH held AS MATERIALIZED (
    SELECT DISTINCT l.pid
    FROM pg_catalog.pg_locks l
    JOIN pg_catalog.pg_class c ON c.oid = l.relation
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE l.locktype = 'relation' AND l.granted AND n.nspname = %(schema)s
      AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
)
SELECT
    a.pid,
    a.usename::text,
    a.application_name,
    a.state,
    extract(epoch FROM now.now - a.xact_start)::float8,
    CASE WHEN starts_with(a.state, 'idle in transaction')
         THEN extract(epoch FROM now.now - a.state_change)::float8 END,
    CASE WHEN a.state = 'active' THEN extract(epoch FROM now.now - a.query_start)::float8 END,
    coalesce(a.query ~* '^\s*listen\M', false),
    a.backend_xid IS NOT NULL,
    a.pid = ANY (%(pids)s::int[]),
    EXISTS (SELECT FROM held h WHERE h.pid = a.pid)
FROM pg_catalog.pg_stat_activity a
CROSS JOIN (SELECT pg_catalog.clock_timestamp() AS now) AS now
WHERE a.datname = pg_catalog.current_database() AND a.backend_type = 'client backend'
  AND a.pid <> pg_catalog.pg_backend_pid() AND NOT starts_with(a.application_name, 'waqiti-migration')
  AND (a.pid = ANY (%(pids)s::int[]) OR a.usename = ANY (%(roles)s::name[])
       OR EXISTS (SELECT FROM held h WHERE h.pid = a.pid))
ORDER BY a.xact_start NULLS LAST, a.pid
