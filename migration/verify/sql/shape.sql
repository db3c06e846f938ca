-- What a side holds of the tables asked for: kind, size and columns; no row for a table that is missing.
-- Parameters: schemas text[], names text[], of the same length.
SELECT
    n.nspname,
    c.relname,
    c.relkind::pg_catalog.text,
    pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::pg_catalog.int8,
    pg_catalog.pg_table_size(c.oid),
    coalesce(
        (SELECT pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY a.attnum)
         FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '{}'),
    coalesce(
        (SELECT pg_catalog.array_agg(pg_catalog.format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum)
         FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '{}')
FROM unnest(%(schemas)s::pg_catalog.text[], %(names)s::pg_catalog.text[]) AS asked (nspname, relname)
JOIN pg_catalog.pg_namespace n ON n.nspname = asked.nspname
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = asked.relname
WHERE c.relkind IN ('r', 'p', 'm')
