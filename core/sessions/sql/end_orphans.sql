-- End sessions of this program on this database, but for the one that asks; returns how many are left.
-- With `whole` also those of a copy (its clients outlive a killed operator, and would commit) and those
-- that are in the middle of a statement: an idle one is another command's, which only looks.
SELECT count(pg_catalog.pg_terminate_backend(pid))
FROM pg_catalog.pg_stat_activity
WHERE datname = pg_catalog.current_database()
  AND (
      application_name = ANY (%(names)s)
      OR %(whole)s AND (
          application_name ~ '^waqiti-copy(-[0-9]+)?$'
          OR application_name = 'waqiti-migration' AND backend_type = 'client backend' AND state <> 'idle'
      )
  )
  AND pid <> pg_catalog.pg_backend_pid()
