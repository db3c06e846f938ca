-- The replica identities of tables now, and the index behind each where it is one.
-- Parameters: schemas text[], names text[].
SELECT asked.nspname, asked.relname, c.relreplident::pg_catalog.text,
       (SELECT i.relname FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
        WHERE x.indrelid = c.oid AND x.indisreplident)
FROM unnest(%(schemas)s::pg_catalog.text[], %(names)s::pg_catalog.text[]) AS asked (nspname, relname)
JOIN pg_catalog.pg_namespace n ON n.nspname = asked.nspname
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = asked.relname
