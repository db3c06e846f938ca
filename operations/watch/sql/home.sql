-- The schema of pg_stat_statements, where this database has it and the server has loaded it.
SELECT n.nspname
  FROM pg_catalog.pg_extension e
  JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
 WHERE e.extname = 'pg_stat_statements'
   AND pg_catalog.current_setting('pg_stat_statements.max', true) IS NOT NULL
