-- The schemas of these names that are there, and whether something is in them.
SELECT n.nspname::text, EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = n.oid)
FROM pg_catalog.pg_namespace n
WHERE n.nspname = ANY (%(names)s)
