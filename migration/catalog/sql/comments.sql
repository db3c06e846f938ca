-- Comments that pg_dump leaves behind: on what a child has from its parent (checks, not-null constraints, foreign keys,
-- triggers of partitions), and on the rule behind a view. (class, OID), the statement.
WITH left_out (classid, objid) AS (
    SELECT 'pg_constraint'::regclass, k.oid FROM pg_constraint k
    WHERE k.contype IN ('c', 'n') AND k.conrelid <> 0 AND NOT k.conislocal OR k.contype = 'f' AND k.conparentid <> 0
    UNION ALL
    SELECT 'pg_trigger'::regclass, t.oid FROM pg_trigger t WHERE t.tgparentid <> 0 AND NOT t.tgisinternal
    UNION ALL
    SELECT 'pg_rewrite'::regclass, r.oid FROM pg_rewrite r WHERE r.rulename = '_RETURN' AND r.oid >= 16384
)
SELECT l.classid::oid, l.objid,
       format('COMMENT ON %s %s IS %L', CASE l.classid WHEN 'pg_constraint'::regclass THEN 'CONSTRAINT'
           WHEN 'pg_trigger'::regclass THEN 'TRIGGER' ELSE 'RULE' END, i.identity, d.description)
FROM left_out l
JOIN pg_description d ON d.classoid = l.classid AND d.objoid = l.objid AND d.objsubid = 0
CROSS JOIN LATERAL pg_identify_object(l.classid, l.objid, 0) i
