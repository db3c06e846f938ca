-- Roles, other than the services' common one, owners and superusers, that were granted something, by schema.
SELECT n.nspname, r.rolname, count(DISTINCT c.oid)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL aclexplode(c.relacl) a
JOIN pg_roles r ON r.oid = a.grantee
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND NOT r.rolsuper
  AND r.rolname <> %(application)s AND a.grantee <> c.relowner AND r.rolname !~ '^pg_'
GROUP BY 1, 2
ORDER BY 1, 2
