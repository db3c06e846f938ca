-- How many statements some roles sent to this database and how many milliseconds these took, by pg_stat_statements,
-- whose schema is {schema}; what a function ran inside is in its caller's time. Parameter: roles.
SELECT coalesce(sum(s.calls), 0)::bigint, coalesce(sum(s.total_exec_time), 0)::float8
FROM {schema}.pg_stat_statements(false) s
JOIN pg_catalog.pg_roles r ON r.oid = s.userid
WHERE s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND s.toplevel AND r.rolname = ANY (%(roles)s::pg_catalog.name[])
