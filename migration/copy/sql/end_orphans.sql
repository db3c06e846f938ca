-- End sessions that a killed run left behind in this database: they might still commit what the new run
-- has emptied. Only one operator runs at a time, so a session of that name is nobody else's.
SELECT pg_terminate_backend(pid)
FROM pg_stat_activity
WHERE (application_name = %(application_name)s OR application_name LIKE %(application_name)s || '-%%')
  AND datname = current_database()
  AND usename = current_user
  AND pid <> pg_backend_pid()
