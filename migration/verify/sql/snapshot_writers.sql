-- Which transactions are writing to which of these tables now. Parameters: schemas text[], names text[].
SELECT asked.nspname, asked.relname, pg_catalog.array_agg(l.virtualtransaction)
FROM unnest(%(schemas)s::pg_catalog.text[], %(names)s::pg_catalog.text[]) AS asked (nspname, relname)
JOIN pg_catalog.pg_namespace n ON n.nspname = asked.nspname
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = asked.relname
JOIN pg_catalog.pg_locks l ON l.relation = c.oid
WHERE l.locktype = 'relation' AND l.granted AND l.mode = 'RowExclusiveLock'
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
GROUP BY asked.nspname, asked.relname
