-- The schema of pg_stat_statements; no row where this database has none or its server does not load it.
SELECT n.nspname::text
FROM pg_catalog.pg_extension e
JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_stat_statements'
  AND coalesce(pg_catalog.current_setting('pg_stat_statements.track', true), '') <> ''
