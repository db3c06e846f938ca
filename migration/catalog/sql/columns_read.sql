-- Which columns of which tables (and of itself) each view and each policy reads. (One that reads whole rows says so in its
-- text only.)
SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid, r.ev_class, d.refobjid, pg_catalog.array_agg(DISTINCT a.attname::text)
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objid
JOIN pg_catalog.pg_class c ON c.oid = d.refobjid
    AND (c.relkind IN ('r', 'p', 'f') OR c.oid = r.ev_class AND r.rulename = '_RETURN')
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0 AND r.oid >= 16384
GROUP BY r.ev_class, d.refobjid
UNION ALL
SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass::oid, d.objid, d.refobjid, pg_catalog.array_agg(DISTINCT a.attname::text)
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_class c ON c.oid = d.refobjid AND c.relkind IN ('r', 'p', 'f')
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass
  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0
GROUP BY d.objid, d.refobjid
