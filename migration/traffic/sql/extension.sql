-- Where pg_stat_statements is installed, whether the server loads it, and since when it counts. One row.
SELECT (SELECT n.nspname::text FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n
            ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'),
       pg_catalog.current_setting('pg_stat_statements.track', true) IS NOT NULL
           AND pg_catalog.current_setting('pg_stat_statements.track', true) <> '',
       pg_catalog.current_setting('pg_stat_statements.track', true)
