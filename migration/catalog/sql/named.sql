-- What values of a reg* column name: the value, the object that has to be there for it, its kind and name, and
-- whether its text names others, too. No row for what came with the server; `oid` for a number that names nothing.
-- Parameters: the column's type, oids of its values.
WITH asked (value) AS (SELECT unnest(%(values)s::oid[])),
held (value, classid, objid) AS (
    SELECT value,
           CASE %(type)s
               WHEN 'regclass' THEN 'pg_class' WHEN 'regproc' THEN 'pg_proc' WHEN 'regprocedure' THEN 'pg_proc'
               WHEN 'regoper' THEN 'pg_operator' WHEN 'regoperator' THEN 'pg_operator'
               WHEN 'regconfig' THEN 'pg_ts_config' WHEN 'regdictionary' THEN 'pg_ts_dict'
               WHEN 'regnamespace' THEN 'pg_namespace' WHEN 'regcollation' THEN 'pg_collation'
               WHEN 'regrole' THEN 'pg_authid'
           END::regclass::oid,
           value
    FROM asked WHERE %(type)s <> 'regtype'
    UNION ALL
    -- Rows' types go with their tables, arrays and multiranges with what they are of.
    SELECT a.value,
           CASE WHEN e.typrelid <> 0 AND ec.relkind <> 'c' THEN 'pg_class'::regclass::oid
                ELSE 'pg_type'::regclass::oid END,
           CASE WHEN e.typrelid <> 0 AND ec.relkind <> 'c' THEN e.typrelid ELSE e.oid END
    FROM asked a
    JOIN pg_type t ON t.oid = a.value
    LEFT JOIN pg_range r ON r.rngmultitypid = t.oid
    JOIN pg_type e ON e.oid = CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN t.typelem
                                   ELSE coalesce(r.rngtypid, t.oid) END
    LEFT JOIN pg_class ec ON ec.oid = e.typrelid
    WHERE %(type)s = 'regtype'
)
SELECT h.classid, h.objid, i.type, i.identity, a.ambiguous
FROM held h
CROSS JOIN LATERAL pg_identify_object(h.classid, h.objid, 0) i
CROSS JOIN LATERAL (
    SELECT %(type)s = 'regproc' AND EXISTS (
               SELECT FROM pg_proc p JOIN pg_proc q USING (pronamespace, proname)
               WHERE p.oid = h.objid AND q.oid <> p.oid)
        OR %(type)s = 'regoper' AND EXISTS (
               SELECT FROM pg_operator p JOIN pg_operator q USING (oprnamespace, oprname)
               WHERE p.oid = h.objid AND q.oid <> p.oid)
) a (ambiguous)
WHERE i.identity IS NOT NULL AND (h.objid >= 16384 OR a.ambiguous OR %(type)s = 'regrole')
UNION ALL
SELECT 'pg_class'::regclass::oid, value, 'oid', value::text, false
FROM asked
WHERE value <> 0 AND NOT EXISTS (
    SELECT FROM held h CROSS JOIN LATERAL pg_identify_object(h.classid, h.objid, 0) i
    WHERE h.value = asked.value AND i.identity IS NOT NULL)
ORDER BY 3, 4
