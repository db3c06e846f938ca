-- Of some materialized views (schemas and names side by side): whether each is populated, and whether it can be
-- refreshed while others read it.
SELECT n.nspname, c.relname, c.relispopulated,
       EXISTS (SELECT FROM pg_catalog.pg_index i
               WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN ROWS FROM (pg_catalog.unnest(%(schemas)s::text[]), pg_catalog.unnest(%(names)s::text[])) AS v (schema, name)
  ON (v.schema, v.name) = (n.nspname, c.relname)
WHERE c.relkind = 'm'
