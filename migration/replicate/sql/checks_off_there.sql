-- Of some checks (schemas, tables and names side by side) those that are there, parents' first; and those that a partition
-- or child has of its own by the name of its parent's, which is off: it was carried over or made meanwhile (not `asked`).
WITH RECURSIVE wanted AS (
    SELECT c.oid AS relation, w.name
    FROM ROWS FROM (pg_catalog.unnest(%(schemas)s::text[]), pg_catalog.unnest(%(tables)s::text[]),
                    pg_catalog.unnest(%(names)s::text[])) AS w (schema, tab, name)
    JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.tab
), below AS (
    SELECT relation, name FROM wanted
    UNION
    SELECT h.inhrelid, b.name FROM below b JOIN pg_catalog.pg_inherits h ON h.inhparent = b.relation
)
SELECT n.nspname, c.relname, k.conname, (b.relation, b.name) IN (SELECT relation, name FROM wanted)
FROM below b
JOIN pg_catalog.pg_class c ON c.oid = b.relation
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.conname = b.name AND k.contype = 'c' AND k.conislocal
ORDER BY (
    WITH RECURSIVE above (relation) AS (
        SELECT c.oid UNION SELECT h.inhparent FROM above JOIN pg_catalog.pg_inherits h ON h.inhrelid = above.relation
    ) SELECT pg_catalog.count(*) FROM above
), 1, 2, 3
