-- Roles that log in and are no superusers: what of each schema's tables they own or were granted, and their limits.
-- Sessions are those of this moment.
WITH tables AS (
    SELECT c.oid, c.relnamespace, c.relowner, c.relacl
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'waqiti_migration')
), held AS (
    SELECT relowner AS role, relnamespace, oid FROM tables
    UNION
    SELECT a.grantee, t.relnamespace, t.oid
    FROM tables AS t, pg_catalog.aclexplode(t.relacl) AS a
    WHERE a.privilege_type = 'INSERT'
)
SELECT r.rolname AS name,
    r.rolconnlimit AS connection_limit,
    (SELECT count(DISTINCT h.oid) FROM held AS h WHERE pg_catalog.pg_has_role(r.oid, nullif(h.role, 0), 'USAGE'))::int AS tables,
    (SELECT count(*) FROM pg_catalog.pg_stat_activity AS s
     WHERE s.usesysid = r.oid AND s.datname = pg_catalog.current_database())::int AS sessions
FROM pg_catalog.pg_roles AS r
WHERE r.rolcanlogin AND NOT r.rolsuper AND r.rolname !~ '^pg_'
ORDER BY r.rolname
