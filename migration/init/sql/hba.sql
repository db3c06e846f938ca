-- Lines of pg_hba.conf by which a role that is made for the move may log in over TCP to this database.
SELECT count(*)::int
FROM pg_catalog.pg_hba_file_rules
WHERE error IS NULL AND type LIKE 'host%%' AND auth_method <> 'reject'
  AND (database && ARRAY['all', pg_catalog.current_database()::text])
  AND user_name && ARRAY['all']
