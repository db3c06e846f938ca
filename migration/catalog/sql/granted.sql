-- Every right that was granted on something in a schema, one row each: on relations, columns, routines, types, and
-- on the schema itself. A part of other queries (`{granted}`); `owner` is whose the thing is, grantee 0 is PUBLIC.
SELECT n.nspname, g.classid, g.objid, g.owner, a.grantor, a.grantee, a.privilege_type, a.is_grantable
FROM (
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
) AS g (namespace, classid, objid, owner, acl)
JOIN pg_namespace n ON n.oid = g.namespace
CROSS JOIN LATERAL aclexplode(g.acl) a
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'waqiti_migration', 'waqiti_ddl')
