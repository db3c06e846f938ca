-- The checks of the tables of some schemas: schema, table, name, and the constraint itself.
SELECT n.nspname, c.relname, k.conname, 'pg_constraint'::pg_catalog.regclass::oid, k.oid
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'c' AND n.nspname = ANY (%(schemas)s)
