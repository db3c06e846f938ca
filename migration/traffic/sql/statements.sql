-- What ran in this database by pg_stat_statements, whose schema is {schema}; nested statements included.
SELECT s.query, r.rolname::text, sum(s.calls)::bigint, sum(s.total_exec_time)::float8
FROM {schema}.pg_stat_statements(true) s
JOIN pg_catalog.pg_roles r ON r.oid = s.userid
WHERE s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND s.query IS NOT NULL
GROUP BY 1, 2
