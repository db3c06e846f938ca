-- The columns of one end of a reference: base types, and the operator that says which values are equal.
-- A type's own `=` counts (citext's, not text's), wherever its extension lives.
WITH RECURSIVE wanted AS (
    SELECT a.attname, a.atttypid AS declared, a.atttypid AS base, w.ordinality
    FROM pg_catalog.unnest(%(columns)s::text[]) WITH ORDINALITY AS w (name, ordinality)
    JOIN pg_catalog.pg_attribute a
        ON a.attrelid = pg_catalog.to_regclass(%(table)s) AND a.attname = w.name AND NOT a.attisdropped
    UNION ALL
    SELECT w.attname, w.declared, t.typbasetype, w.ordinality
    FROM wanted w JOIN pg_catalog.pg_type t ON t.oid = w.base
    WHERE t.typtype = 'd'
)
SELECT w.attname, pg_catalog.format_type(w.base, -1), t.typname, tn.nspname = 'pg_catalog',
       coalesce(o.nspname, 'pg_catalog'), coalesce(o.oprname, '='), c.relkind = 'p'
FROM wanted w
JOIN pg_catalog.pg_type t ON t.oid = w.base AND t.typtype <> 'd'
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(%(table)s)
LEFT JOIN LATERAL (
    SELECT n.nspname, op.oprname
    FROM pg_catalog.pg_opclass k
    JOIN pg_catalog.pg_am am ON am.oid = k.opcmethod AND am.amname = 'btree'
    JOIN pg_catalog.pg_amop ao ON ao.amopfamily = k.opcfamily AND ao.amopstrategy = 3
        AND ao.amoplefttype = k.opcintype AND ao.amoprighttype = k.opcintype
    JOIN pg_catalog.pg_operator op ON op.oid = ao.amopopr
    JOIN pg_catalog.pg_namespace n ON n.oid = op.oprnamespace
    WHERE k.opcdefault AND k.opcintype = w.base
) o ON true
ORDER BY w.ordinality
