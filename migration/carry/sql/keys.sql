-- Foreign keys of a schema: table, name, whether it is validated.
SELECT n.nspname::text, c.relname::text, k.conname::text, k.convalidated
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND k.contype = 'f'
