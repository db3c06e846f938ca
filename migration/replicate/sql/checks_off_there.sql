-- Of some checks (schemas, tables and names side by side) those that are there, parents' first.
SELECT n.nspname, c.relname, k.conname
FROM ROWS FROM (pg_catalog.unnest(%(schemas)s::text[]), pg_catalog.unnest(%(tables)s::text[]),
                pg_catalog.unnest(%(names)s::text[])) AS w (schema, tab, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.tab
JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.conname = w.name AND k.contype = 'c' AND k.conislocal
ORDER BY (
    WITH RECURSIVE above (relation) AS (
        SELECT c.oid UNION SELECT h.inhparent FROM above JOIN pg_catalog.pg_inherits h ON h.inhrelid = above.relation
    ) SELECT pg_catalog.count(*) FROM above
), 1, 2, 3
