-- Objects that depend on what this program made for a service, but that it did not make: what DROP ...
-- CASCADE would take away from somebody. A part (constraint, trigger, default, index) is somebody's if its
-- table is; a view is reached through its rule. Schemas and extensions are dropped last, and only if nothing needs
-- them (RESTRICT): what is in them, an extension's members too, is nobody's loss.
WITH RECURSIVE made AS (
    SELECT classid, objid FROM waqiti_migration.schema_objects WHERE service = ANY(%(services)s)
), reached (classid, objid) AS (
    SELECT classid, objid FROM made
    WHERE classid NOT IN ('pg_namespace'::regclass, 'pg_extension'::regclass)
    UNION
    SELECT x.classid, x.objid
    FROM reached r
    CROSS JOIN LATERAL (
        SELECT d.classid, d.objid FROM pg_depend d
        WHERE d.refclassid = r.classid AND d.refobjid = r.objid AND d.deptype IN ('n', 'a', 'i', 'P', 'S', 'x')
        UNION ALL
        SELECT 'pg_class'::regclass, w.ev_class FROM pg_rewrite w
        WHERE r.classid = 'pg_rewrite'::regclass AND w.oid = r.objid
    ) x
), wholes AS (
    SELECT r.classid, r.objid,
           COALESCE(k.conrelid, t.tgrelid, a.adrelid, p.polrelid, i.indrelid,
                    CASE WHEN c.relkind IN ('r', 'p', 'v', 'm', 'f') THEN c.oid END) AS table_oid
    FROM reached r
    LEFT JOIN pg_constraint k ON r.classid = 'pg_constraint'::regclass AND k.oid = r.objid AND k.conrelid <> 0
    LEFT JOIN pg_trigger t ON r.classid = 'pg_trigger'::regclass AND t.oid = r.objid
    LEFT JOIN pg_attrdef a ON r.classid = 'pg_attrdef'::regclass AND a.oid = r.objid
    LEFT JOIN pg_policy p ON r.classid = 'pg_policy'::regclass AND p.oid = r.objid
    LEFT JOIN pg_index i ON r.classid = 'pg_class'::regclass AND i.indexrelid = r.objid
    LEFT JOIN pg_class c ON r.classid = 'pg_class'::regclass AND c.oid = r.objid
)
SELECT i.type, i.identity
FROM wholes w
CROSS JOIN LATERAL pg_identify_object(w.classid, w.objid, 0) i
WHERE w.table_oid IS NOT NULL
      AND NOT EXISTS (SELECT FROM pg_class t WHERE t.oid = w.table_oid AND t.relkind = 't')
      AND NOT EXISTS (SELECT FROM made m WHERE m.classid = 'pg_class'::regclass AND m.objid = w.table_oid)
   OR w.classid = 'pg_proc'::regclass
      AND NOT EXISTS (SELECT FROM made m WHERE m.classid = w.classid AND m.objid = w.objid)
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = w.classid AND d.objid = w.objid AND d.deptype = 'i')
ORDER BY w.table_oid IS NULL, i.identity
