SELECT w.rolname, d.defaclobjtype::text, coalesce(n.nspname, ''), coalesce(r.rolname, ''), acl.privilege_type
FROM pg_catalog.pg_default_acl d
JOIN pg_catalog.pg_roles w ON w.oid = d.defaclrole
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace,
LATERAL aclexplode(d.defaclacl) AS acl
LEFT JOIN pg_catalog.pg_roles r ON r.oid = acl.grantee
WHERE acl.grantee <> d.defaclrole
