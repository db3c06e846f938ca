-- Columns of types that take more in a newer version: OID of the table, schema, name, column, type, whether it is an
-- array of it; columns that a table has from its parent are the parent's. Parameters: OIDs of tables, names of the types.
WITH RECURSIVE bases (type, base, inside) AS (
    SELECT oid, oid, false FROM pg_type
    UNION ALL
    SELECT b.type, CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.typelem END, t.typtype <> 'd' OR b.inside
    FROM bases b JOIN pg_type t ON t.oid = b.base AND (t.typtype = 'd' OR t.typcategory = 'A' AND t.typelem <> 0 AND NOT b.inside)
)
SELECT c.oid::int8, n.nspname::text, c.relname::text, a.attname::text, t.typname::text, b.inside
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attinhcount = 0
    AND a.attgenerated = ''
JOIN bases b ON b.type = a.atttypid
JOIN pg_type t ON t.oid = b.base AND t.typname = ANY (%(types)s)
WHERE c.oid = ANY (%(tables)s::oid[]) AND c.relkind IN ('r', 'p')
ORDER BY 2, 3, a.attnum
