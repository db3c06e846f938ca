-- Extensions that are installed, and those that each needs.
SELECT e.oid, e.extname, e.extversion, n.nspname,
       (SELECT coalesce(array_agg(r.extname::text ORDER BY r.extname), '{}')
        FROM pg_depend d JOIN pg_extension r ON d.refclassid = 'pg_extension'::regclass AND r.oid = d.refobjid
        WHERE d.classid = 'pg_extension'::regclass AND d.objid = e.oid AND d.deptype = 'n')
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
ORDER BY e.extname
