-- Roles, other than the services' common one, owners and superusers, that were granted something, by schema:
-- on relations, columns, routines and types, or on the schema itself.
WITH granted (namespace, classid, objid, owner, acl) AS (
    SELECT relnamespace, 'pg_class'::regclass, oid, relowner, relacl FROM pg_class WHERE relacl IS NOT NULL
    UNION ALL
    SELECT c.relnamespace, 'pg_class'::regclass, c.oid, c.relowner, a.attacl
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attacl IS NOT NULL
    UNION ALL
    SELECT pronamespace, 'pg_proc'::regclass, oid, proowner, proacl FROM pg_proc WHERE proacl IS NOT NULL
    UNION ALL
    SELECT typnamespace, 'pg_type'::regclass, oid, typowner, typacl FROM pg_type WHERE typacl IS NOT NULL
    UNION ALL
    SELECT oid, 'pg_namespace'::regclass, oid, nspowner, nspacl FROM pg_namespace WHERE nspacl IS NOT NULL
)
SELECT n.nspname, r.rolname, count(DISTINCT (g.classid, g.objid)),
       count(DISTINCT (g.classid, g.objid)) FILTER (WHERE a.is_grantable)
FROM granted g
JOIN pg_namespace n ON n.oid = g.namespace
CROSS JOIN LATERAL aclexplode(g.acl) a
JOIN pg_roles r ON r.oid = a.grantee
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'waqiti_migration') AND NOT r.rolsuper
  AND r.rolname <> %(application)s AND a.grantee <> g.owner AND r.rolname !~ '^pg_'
GROUP BY 1, 2
ORDER BY 1, 2
