-- Temporary tables of other sessions: table, owner, and since PostgreSQL 16 (where the schema's number is
-- the session's) the process; NULL before.
SELECT c.relname::text, pg_catalog.pg_get_userbyid(c.relowner)::text,
       CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 160000
            THEN pg_catalog.pg_stat_get_backend_pid(substring(n.nspname from '^pg_temp_(\d+)$')::int) END
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relpersistence = 't' AND c.relkind IN ('r', 'p') AND n.nspname ~ '^pg_temp_\d+$'
  AND n.oid <> pg_catalog.pg_my_temp_schema()
ORDER BY 1, 2
