-- What some columns of a database's tables are, and the types that they are made of down to the server's own and
-- those of extensions: as it has to be both where a replica is and where its rows come from.
WITH RECURSIVE asked (schema_name, table_name, column_name) AS (
    SELECT * FROM unnest(%(schemas)s::text[], %(tables)s::text[], %(columns)s::text[])
), kept AS (
    SELECT c.oid AS relid, n.nspname, c.relname, a.attname, a.attnum, a.atttypid, a.atttypmod, a.attcollation
    FROM asked w
    JOIN pg_namespace n ON n.nspname = w.schema_name
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.table_name
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = w.column_name AND NOT a.attisdropped
), types (oid) AS (
    SELECT atttypid FROM kept
    UNION
    SELECT next.oid
    FROM types o
    JOIN pg_type t ON t.oid = o.oid
    CROSS JOIN LATERAL (
        SELECT t.typbasetype AS oid WHERE t.typtype = 'd'
        UNION ALL SELECT t.typelem WHERE t.typcategory = 'A'
        UNION ALL SELECT a.atttypid FROM pg_attribute a
            WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid
        UNION ALL SELECT r.rngtypid FROM pg_range r WHERE r.rngmultitypid = t.oid
    ) next
    WHERE t.oid >= 16384
), own AS (
    SELECT t.*, format_type(t.oid, NULL) AS shown
    FROM types o JOIN pg_type t ON t.oid = o.oid
    WHERE t.oid >= 16384 AND t.typcategory <> 'A' AND t.typtype <> 'm' AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
)
SELECT 'column' AS kind, format('%%I.%%I.%%I', nspname, relname, attname) AS name,
       ARRAY[format_type(atttypid, atttypmod), attcollation::regcollation::text] AS parts
FROM kept
UNION ALL
SELECT 'key', format('%%I.%%I', n.nspname, c.relname),
       array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum))
FROM (SELECT DISTINCT relid FROM kept) k
JOIN pg_index i ON i.indrelid = k.relid AND i.indisprimary
JOIN pg_class c ON c.oid = k.relid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = k.relid AND a.attnum = ANY(i.indkey::int2[])
GROUP BY 2
UNION ALL
SELECT 'enum', o.shown, array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
FROM own o JOIN pg_enum e ON e.enumtypid = o.oid
GROUP BY o.shown
UNION ALL
SELECT 'domain', o.shown,
       ARRAY[format_type(o.typbasetype, o.typtypmod), o.typcollation::regcollation::text]
       || array_agg(pg_get_constraintdef(k.oid) ORDER BY k.conname) FILTER (WHERE k.contype = 'c')
FROM own o LEFT JOIN pg_constraint k ON k.contypid = o.oid
WHERE o.typtype = 'd'
GROUP BY o.shown, o.typbasetype, o.typtypmod, o.typcollation
UNION ALL
SELECT 'composite', o.shown, array_agg(format('%%I %%s', a.attname, format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum)
FROM own o JOIN pg_attribute a ON a.attrelid = o.typrelid AND a.attnum > 0 AND NOT a.attisdropped
WHERE o.typtype = 'c'
GROUP BY o.shown
UNION ALL
SELECT 'range', o.shown, ARRAY[format_type(r.rngsubtype, NULL), r.rngcollation::regcollation::text]
FROM own o JOIN pg_range r ON r.rngtypid = o.oid
UNION ALL
SELECT 'function', p.oid::regprocedure::text, ARRAY[p.prosrc]
FROM own o
JOIN pg_constraint k ON k.contypid = o.oid
JOIN pg_depend d ON d.classid = 'pg_constraint'::regclass AND d.objid = k.oid AND d.refclassid = 'pg_proc'::regclass
JOIN pg_proc p ON p.oid = d.refobjid
WHERE p.oid >= 16384
