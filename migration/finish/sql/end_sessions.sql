-- Ends the sessions of the role %(role)s.
SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(a.pid))
  FROM pg_catalog.pg_stat_activity a
 WHERE a.usename = %(role)s AND a.pid <> pg_catalog.pg_backend_pid()
