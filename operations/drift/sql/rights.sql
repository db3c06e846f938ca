-- Whom the database, its schemas and its protected parameters let do what, beside their owners; '' is PUBLIC.
SELECT kind, object, coalesce(r.rolname, ''), acl.privilege_type, acl.is_grantable
FROM (SELECT 'database' AS kind, datname::text AS object, coalesce(datacl, acldefault('d', datdba)) AS acl, datdba AS owner
      FROM pg_catalog.pg_database WHERE datname = current_database()
      UNION ALL
      SELECT 'schema', nspname::text, coalesce(nspacl, acldefault('n', nspowner)), nspowner
      FROM pg_catalog.pg_namespace WHERE nspname = ANY(%(schemas)s)
      UNION ALL
      SELECT 'parameter', parname, paracl, 10 FROM pg_catalog.pg_parameter_acl) o,
     LATERAL aclexplode(o.acl) AS acl
LEFT JOIN pg_catalog.pg_roles r ON r.oid = acl.grantee
WHERE acl.grantee <> o.owner
UNION ALL
-- Of the server's own functions what was granted beyond initdb's; the arguments tell those of one name apart.
SELECT 'function',
       n.nspname || '.' || p.proname
       || CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_proc other
                            WHERE (other.proname, other.pronamespace) = (p.proname, p.pronamespace) AND other.oid <> p.oid)
               THEN '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')' ELSE '' END,
       coalesce(r.rolname, ''), acl.privilege_type, acl.is_grantable
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
LEFT JOIN pg_catalog.pg_init_privs i ON i.classoid = 'pg_catalog.pg_proc'::regclass AND i.objoid = p.oid AND i.objsubid = 0,
     LATERAL aclexplode(p.proacl) AS acl
LEFT JOIN pg_catalog.pg_roles r ON r.oid = acl.grantee
WHERE n.nspname = 'pg_catalog' AND acl.grantee <> p.proowner
  AND NOT EXISTS (SELECT FROM aclexplode(coalesce(i.initprivs, acldefault('f', p.proowner))) AS first
                  WHERE (first.grantee, first.privilege_type) = (acl.grantee, acl.privilege_type))
