-- Sessions of this moment in this database, by role and by the name that the application gave itself.
SELECT usename::text, coalesce(application_name, ''), count(*)::int
FROM pg_catalog.pg_stat_activity
WHERE datname = pg_catalog.current_database() AND backend_type = 'client backend'
  AND pid <> pg_catalog.pg_backend_pid() AND usename IS NOT NULL
GROUP BY 1, 2
