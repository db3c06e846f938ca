-- The search_path that a role begins with in this database, where one is set: the most specific counts.
SELECT pg_catalog.substring(setting, pg_catalog.length('search_path=') + 1)
FROM pg_catalog.pg_db_role_setting s
CROSS JOIN pg_catalog.unnest(s.setconfig) setting
WHERE setting LIKE 'search_path=%%'
  AND s.setrole IN (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(application)s))
  AND s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
ORDER BY s.setrole = 0, s.setdatabase = 0
LIMIT 1
