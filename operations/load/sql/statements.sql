-- What pg_stat_statements counted of some roles in this database: text, calls, milliseconds of all of them.
-- Parameters: %(roles)s, their names.
SELECT s.query, sum(s.calls)::bigint AS calls, sum(s.total_exec_time) AS milliseconds
  FROM {view} s
  JOIN pg_catalog.pg_roles r ON r.oid = s.userid
 WHERE s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
   AND r.rolname = ANY (%(roles)s)
 GROUP BY s.query
