-- The search_path that each role begins with in this database, where one is set: the most specific counts.
SELECT DISTINCT ON (r.rolname) r.rolname::text, substring(setting FROM length('search_path=') + 1)
FROM pg_catalog.pg_db_role_setting s
CROSS JOIN unnest(s.setconfig) setting
JOIN pg_catalog.pg_roles r ON s.setrole IN (0, r.oid)
WHERE setting LIKE 'search_path=%%'
  AND s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database
                            WHERE datname = pg_catalog.current_database()))
ORDER BY r.rolname, s.setrole = 0, s.setdatabase = 0
