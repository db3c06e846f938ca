-- Extensions of this database whose names applications find without a schema, with what can be called of each.
SELECT e.extname::text, coalesce(array_agg(DISTINCT p.proname::text) FILTER (WHERE p.oid IS NOT NULL), '{}')
FROM pg_catalog.pg_extension AS e
JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
LEFT JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
    AND d.refobjid = e.oid AND d.deptype = 'e' AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
LEFT JOIN pg_catalog.pg_proc AS p ON p.oid = d.objid
WHERE n.nspname = 'public'
GROUP BY e.extname
