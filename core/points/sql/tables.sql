-- The tables of some schemas whose rows a restore brings back, with columns and types, in order.
-- Parameter: schemas text[].
SELECT n.nspname, c.relname, pg_catalog.pg_table_size(c.oid),
       coalesce(a.names, '{}'), coalesce(a.types, '{}')
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (
    SELECT pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY a.attnum) AS names,
           pg_catalog.array_agg(pg_catalog.format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum) AS types
    FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
) AS a ON true
WHERE n.nspname = ANY (%(schemas)s::pg_catalog.text[]) AND c.relkind IN ('r', 'm') AND c.relpersistence = 'p'
  AND (c.relkind <> 'm' OR c.relispopulated)
ORDER BY 1, 2
