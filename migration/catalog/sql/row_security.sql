-- Every table with row security: OID, its owner, FORCE, and the roles that it hides nothing from, of those that
-- read and write here: the services' common role, owners.
-- Parameters: application (the services' common role).
WITH acting AS (
    SELECT oid, rolname, rolsuper OR rolbypassrls AS above
    FROM pg_roles
    WHERE rolname = %(application)s
       OR oid IN (SELECT relowner FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm'))
       OR oid IN (SELECT proowner FROM pg_proc WHERE prosecdef)
)
SELECT c.oid, o.rolname::text, c.relforcerowsecurity,
       ARRAY(SELECT a.rolname::text FROM acting a
             -- check_enable_rls of PostgreSQL's src/backend/utils/misc/rls.c
             WHERE a.above OR NOT c.relforcerowsecurity AND pg_has_role(a.oid, c.relowner, 'USAGE'))
FROM pg_class c JOIN pg_roles o ON o.oid = c.relowner
WHERE c.relrowsecurity AND c.relkind IN ('r', 'p')
