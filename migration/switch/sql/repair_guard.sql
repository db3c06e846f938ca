-- Whether a table has the guard. Parameters: schema, table, trigger.
SELECT FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s AND t.tgname = %s AND t.tgenabled <> 'D'
