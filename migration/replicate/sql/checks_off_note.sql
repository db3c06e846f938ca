-- Note a check of a table, and those of its children that are there by it alone, before it is taken off.
WITH RECURSIVE below (relation, depth) AS (
    SELECT c.oid, 0
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = %(table)s
    UNION
    SELECT h.inhrelid, b.depth + 1 FROM below b JOIN pg_catalog.pg_inherits h ON h.inhparent = b.relation
), found AS (
    SELECT n.nspname, c.relname, k.oid, k.conname, k.convalidated, k.conislocal, pg_catalog.min(b.depth) AS depth
    FROM below b
    JOIN pg_catalog.pg_class c ON c.oid = b.relation
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.conname = %(name)s AND k.contype = 'c'
    WHERE b.depth = 0 OR NOT k.conislocal
    GROUP BY 1, 2, 3, 4, 5, 6
)
INSERT INTO waqiti_migration.checks_off
    (service, schema_name, table_name, constraint_name, definition, comment, valid, inherited, off)
SELECT %(service)s, nspname, relname, conname,
       pg_catalog.regexp_replace(pg_catalog.pg_get_constraintdef(oid), ' NOT VALID$', ''),
       pg_catalog.obj_description(oid, 'pg_constraint'), convalidated, NOT (conislocal AND %(asked)s), true
FROM found ORDER BY depth
ON CONFLICT (schema_name, table_name, constraint_name) DO UPDATE SET
    number = DEFAULT, service = excluded.service, definition = excluded.definition, comment = excluded.comment,
    -- What was valid once is so again as soon as its rows are.
    valid = excluded.valid OR checks_off.valid, inherited = excluded.inherited, off = true
