-- What binds a schema by its name from outside of what a rename changes: publications that others follow, and
-- extensions whose scripts have written the name into their functions.
SELECT 'publication ' || pg_catalog.quote_ident(p.pubname)
FROM pg_catalog.pg_publication_tables p
WHERE p.schemaname = %(schema)s AND p.pubname <> %(own)s
UNION
SELECT 'extension ' || pg_catalog.quote_ident(e.extname)
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
WHERE n.nspname = %(schema)s AND NOT e.extrelocatable
ORDER BY 1
