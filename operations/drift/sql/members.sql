SELECT m.rolname, g.rolname, bool_or(a.admin_option)
FROM pg_catalog.pg_auth_members a
JOIN pg_catalog.pg_roles m ON m.oid = a.member JOIN pg_catalog.pg_roles g ON g.oid = a.roleid
WHERE m.rolname !~ '^pg_'
GROUP BY 1, 2
