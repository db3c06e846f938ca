-- The end of the log that the server writes now, for roles that may read it; NULL for others.
SELECT CASE
    WHEN pg_catalog.has_function_privilege('pg_catalog.pg_current_logfile()', 'EXECUTE')
        AND pg_catalog.has_function_privilege('pg_catalog.pg_read_binary_file(text, bigint, bigint)', 'EXECUTE')
        AND pg_catalog.has_function_privilege('pg_catalog.pg_stat_file(text)', 'EXECUTE')
        AND pg_catalog.pg_current_logfile() IS NOT NULL
    THEN pg_catalog.pg_read_binary_file(
        pg_catalog.pg_current_logfile(),
        greatest(0, (pg_catalog.pg_stat_file(pg_catalog.pg_current_logfile())).size - %(bytes)s),
        %(bytes)s
    )
END
