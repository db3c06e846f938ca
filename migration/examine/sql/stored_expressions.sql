-- Expressions whose values are stored, or decide what may be: of stored generated columns, indexes, checks, keys of
-- partitions. Parameter: OIDs of tables. What a partition has from its parent is the parent's.
-- classid, objid, table; kind; name; the expression, and the type that it is given; the columns that it reads, with
-- their types without domains, and collations; whether it needs a type or a function that did not come with the server;
-- FROM's table, and how many rows it has, about; whether it reads a number out of a text.
-- Checks that only compare, add and multiply are left out: those are the same in every version.
WITH RECURSIVE relations AS (
    SELECT c.oid, n.nspname, c.relname, c.relkind, c.relispartition, c.relrowsecurity,
           CASE c.relkind WHEN 'p' THEN (SELECT sum(greatest(l.reltuples, 0)) FROM pg_partition_tree(c.oid) p
                                         JOIN pg_class l ON l.oid = p.relid WHERE p.isleaf)
                ELSE greatest(c.reltuples, 0) END AS rows
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY (%(tables)s::oid[]) AND c.relkind IN ('r', 'p')
), expressions (classid, objid, relation, kind, name, text, type, tree) AS (
    SELECT 'pg_attrdef'::regclass, d.oid, r.oid, 'generated', a.attname, pg_get_expr(d.adbin, d.adrelid),
           format_type(a.atttypid, a.atttypmod), d.adbin::text
    FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attgenerated = 's' AND NOT a.attisdropped
    JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
    WHERE NOT r.relispartition
    UNION ALL
    SELECT 'pg_class'::regclass, i.indexrelid, r.oid, CASE WHEN i.indisunique OR i.indisexclusion THEN 'unique' ELSE 'index' END,
           c.relname, CASE WHEN n = 0 THEN pg_get_expr(i.indpred, i.indrelid) ELSE pg_get_indexdef(i.indexrelid, n, false) END,
           NULL, concat(i.indexprs::text, i.indpred::text)
    FROM relations r JOIN pg_index i ON i.indrelid = r.oid JOIN pg_class c ON c.oid = i.indexrelid
    CROSS JOIN generate_series(0, i.indnkeyatts) n
    WHERE NOT c.relispartition AND CASE WHEN n = 0 THEN i.indpred IS NOT NULL ELSE i.indkey[n - 1] = 0 END
    UNION ALL
    SELECT 'pg_constraint'::regclass, k.oid, r.oid, 'check', k.conname, pg_get_expr(k.conbin, k.conrelid), NULL, k.conbin::text
    FROM relations r JOIN pg_constraint k ON k.conrelid = r.oid AND k.contype = 'c' AND k.convalidated AND k.coninhcount = 0
    UNION ALL
    SELECT 'pg_class'::regclass, r.oid, r.oid, 'partition', r.relname, pg_get_expr(p.partexprs, p.partrelid), NULL, p.partexprs::text
    FROM relations r JOIN pg_partitioned_table p ON p.partrelid = r.oid AND p.partexprs IS NOT NULL
    WHERE array_length(p.partattrs::int2[], 1) = 1
), operators (oid) AS (
    SELECT oid FROM pg_operator WHERE oprname ~ '[~@#?]' OR oprnamespace <> 'pg_catalog'::regnamespace
), bases (type, base) AS (
    SELECT oid, oid FROM pg_type
    UNION ALL
    SELECT b.type, t.typbasetype FROM bases b JOIN pg_type t ON t.oid = b.base AND t.typtype = 'd'
), read AS (
    SELECT DISTINCT e.classid, e.objid, a.attnum, a.attname::text AS attname, format_type(b.base, -1) AS type,
           b.base >= 16384 AS own,
           CASE WHEN a.attcollation NOT IN (0, t.typcollation) THEN format('%%I.%%I', cn.nspname, co.collname) END AS sorting
    FROM expressions e
    JOIN pg_depend d ON d.classid = e.classid AND d.objid = e.objid AND d.refclassid = 'pg_class'::regclass
        AND d.refobjid = e.relation AND d.refobjsubid > 0
    JOIN pg_attribute a ON a.attrelid = e.relation AND a.attnum = d.refobjsubid AND NOT (e.kind = 'generated' AND a.attname = e.name)
    JOIN pg_type t ON t.oid = a.atttypid
    JOIN bases b ON b.type = a.atttypid JOIN pg_type bt ON bt.oid = b.base AND bt.typtype <> 'd'
    LEFT JOIN pg_collation co ON co.oid = a.attcollation LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
    WHERE a.attgenerated = ''
)
SELECT e.classid::oid::int8, e.objid::int8, e.relation::int8, e.kind, e.name::text, e.text, e.type,
       ARRAY(SELECT attname FROM read WHERE (read.classid, read.objid) = (e.classid, e.objid) ORDER BY attnum),
       ARRAY(SELECT type || coalesce(' COLLATE ' || sorting, '') FROM read
             WHERE (read.classid, read.objid) = (e.classid, e.objid) ORDER BY attnum),
       EXISTS (SELECT FROM read WHERE (read.classid, read.objid) = (e.classid, e.objid) AND read.own)
           OR EXISTS (SELECT FROM pg_depend d WHERE d.classid = e.classid AND d.objid = e.objid AND d.refobjid >= 16384
                      AND d.refclassid IN ('pg_proc'::regclass, 'pg_type'::regclass, 'pg_operator'::regclass)),
       CASE r.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || format('%%I.%%I', r.nspname, r.relname),
       coalesce(r.rows, 0)::int8,
       -- smallint, integer, bigint, numeric
       e.tree ~ '\{COERCEVIAIO .*?:resulttype (20|21|23|1700) '
FROM expressions e JOIN relations r ON r.oid = e.relation
WHERE e.kind <> 'check'
   OR e.tree ~ '\{(FUNCEXPR|COERCEVIAIO|ARRAYCOERCEEXPR|JSON|XMLEXPR)'
   OR EXISTS (SELECT FROM regexp_matches(e.tree, ':opno (\d+)', 'g') m JOIN operators o ON o.oid = m[1]::oid)
ORDER BY e.kind = 'generated' DESC, e.kind IN ('partition', 'unique') DESC, r.rows, e.objid
