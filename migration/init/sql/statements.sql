-- How long statements that name a schema take, by pg_stat_statements, whose schema is {schema}: calls, mean in ms, and
-- how many of the calls only read.
SELECT n.nspname::text, sum(s.calls)::bigint, (sum(s.total_exec_time) / nullif(sum(s.calls), 0))::float8,
    coalesce(sum(s.calls) FILTER (WHERE s.query ~* '^\s*(select|with)'), 0)::bigint
FROM {schema}.pg_stat_statements(true) AS s
JOIN pg_catalog.pg_namespace AS n ON s.query ~ ('\m' || n.nspname || '\.')
WHERE s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND s.toplevel AND n.nspname ~ '^[a-z][a-z0-9_]*$' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = s.userid AND r.rolsuper)
GROUP BY 1
