-- What applications ran here, by pg_stat_statements, whose schema is {schema}.
SELECT s.query
FROM {schema}.pg_stat_statements(true) AS s
JOIN pg_catalog.pg_roles AS r ON r.oid = s.userid
WHERE s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND s.query IS NOT NULL AND NOT r.rolsuper
