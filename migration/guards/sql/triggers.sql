-- The guards of a service: table, whether the first one stands for TRUNCATE, and as what it is enabled.
-- `tgenabled`: A always, O unless the session replicates, R only if it does, D not at all.
SELECT n.nspname, c.relname, t.tgname, (t.tgtype & 32) <> 0, t.tgenabled::pg_catalog.text
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE t.tgfoid = pg_catalog.to_regprocedure(%(function)s)
ORDER BY 1, 2, 3
