-- What depends on an extension by ALTER ... DEPENDS ON EXTENSION. The columns are those of relations.sql.
SELECT d.classid::oid, d.objid, 'dependence', format('%s %s on %I', i.type, i.identity, e.extname), i.identity,
       '{}'::jsonb, format('ALTER %s %s NO DEPENDS ON EXTENSION %I', upper(i.type), i.identity, e.extname),
       format('ALTER %s %s DEPENDS ON EXTENSION %I', upper(i.type), i.identity, e.extname)
FROM pg_depend d
JOIN pg_extension e ON e.oid = d.refobjid
CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) i
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'x'
