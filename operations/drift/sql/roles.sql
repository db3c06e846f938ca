SELECT r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication,
       r.rolbypassrls, r.rolconnlimit, coalesce(r.rolvaliduntil::text, 'infinity'), a.rolpassword
FROM pg_catalog.pg_roles r JOIN pg_catalog.pg_authid a USING (oid)
WHERE r.rolname !~ '^pg_'
