-- Where the role may: no foreign key asks for rows that come later in the same transaction.
SELECT pg_catalog.set_config('session_replication_role', 'replica', true)
WHERE (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
   OR pg_catalog.current_setting('server_version_num')::int >= 150000
      AND pg_catalog.has_parameter_privilege('session_replication_role', 'SET')
