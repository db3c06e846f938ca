-- Extensions of this database, and whether another one brought them in.
SELECT e.extname, e.extversion, n.nspname,
       EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_extension'::regclass
               AND d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = e.oid)
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname <> 'plpgsql'
