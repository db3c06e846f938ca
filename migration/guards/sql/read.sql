-- Whether a side is open; NULL when it has no flag.
SELECT CASE WHEN pg_catalog.to_regclass(%(flag)s) IS NULL THEN NULL
       ELSE pg_catalog.pg_sequence_last_value(pg_catalog.to_regclass(%(flag)s)) IS NOT DISTINCT FROM 1 END
