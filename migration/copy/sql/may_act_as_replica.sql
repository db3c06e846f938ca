-- Whether this role may set session_replication_role: a superuser, or granted so (PostgreSQL 15 and newer).
SELECT rolsuper
    OR (current_setting('server_version_num')::int >= 150000
        AND has_parameter_privilege('session_replication_role', 'SET'))
FROM pg_roles
WHERE rolname = current_user
