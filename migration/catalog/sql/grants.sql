-- What the services' common role may do, by whatever way (grant, membership, PUBLIC, ownership), and which of it
-- it may grant on: one row an object, and one for a column where the column has more. TRIGGER and REFERENCES are
-- left out: an application has no use for them; so is every grant option, where it comes from owning the object
-- only. MAINTAIN is what owning gives before PostgreSQL 17.
WITH ns AS (
    SELECT oid FROM pg_namespace
    WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND nspname !~ '^pg_(toast_)?temp_'
)
SELECT 'pg_class'::regclass::oid, c.oid, NULL::text, array_agg(p ORDER BY p),
       coalesce(array_agg(p ORDER BY p) FILTER (
           WHERE NOT own.it AND CASE WHEN p <> 'MAINTAIN' OR server.has_maintain
                 THEN has_table_privilege(%(application)s, c.oid, p || ' WITH GRANT OPTION') END), '{}')
FROM pg_class c JOIN ns ON ns.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT pg_has_role(%(application)s, c.relowner, 'USAGE')) own (it)
CROSS JOIN (SELECT current_setting('server_version_num')::int >= 170000) server (has_maintain)
CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'MAINTAIN']) p
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND CASE WHEN p = 'TRUNCATE' THEN c.relkind IN ('r', 'p', 'f') OR NOT own.it WHEN p = 'MAINTAIN' THEN c.relkind IN ('r', 'p', 'm')
      ELSE true END
  AND CASE WHEN p <> 'MAINTAIN' OR server.has_maintain THEN has_table_privilege(%(application)s, c.oid, p)
      ELSE own.it END
GROUP BY c.oid
UNION ALL
SELECT 'pg_class'::regclass::oid, c.oid, a.attname::text, array_agg(p ORDER BY p),
       coalesce(array_agg(p ORDER BY p) FILTER (
           WHERE has_column_privilege(%(application)s, c.oid, a.attnum, p || ' WITH GRANT OPTION')), '{}')
FROM pg_class c JOIN ns ON ns.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attacl IS NOT NULL
CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) p
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND (has_column_privilege(%(application)s, c.oid, a.attnum, p)
           AND NOT has_table_privilege(%(application)s, c.oid, p)
       OR has_column_privilege(%(application)s, c.oid, a.attnum, p || ' WITH GRANT OPTION')
           AND NOT has_table_privilege(%(application)s, c.oid, p || ' WITH GRANT OPTION'))
GROUP BY c.oid, a.attname
UNION ALL
SELECT 'pg_class'::regclass::oid, c.oid, NULL, array_agg(p ORDER BY p),
       coalesce(array_agg(p ORDER BY p) FILTER (
           WHERE has_sequence_privilege(%(application)s, c.oid, p || ' WITH GRANT OPTION')
             AND NOT pg_has_role(%(application)s, c.relowner, 'USAGE')), '{}')
FROM pg_class c JOIN ns ON ns.oid = c.relnamespace
CROSS JOIN unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) p
WHERE c.relkind = 'S' AND has_sequence_privilege(%(application)s, c.oid, p)
GROUP BY c.oid
UNION ALL
SELECT 'pg_proc'::regclass::oid, f.oid, NULL, ARRAY['EXECUTE'],
       CASE WHEN has_function_privilege(%(application)s, f.oid, 'EXECUTE WITH GRANT OPTION')
             AND NOT pg_has_role(%(application)s, f.proowner, 'USAGE') THEN ARRAY['EXECUTE'] ELSE '{}' END
FROM pg_proc f JOIN ns ON ns.oid = f.pronamespace
WHERE has_function_privilege(%(application)s, f.oid, 'EXECUTE')
UNION ALL
SELECT 'pg_type'::regclass::oid, t.oid, NULL, ARRAY['USAGE'],
       CASE WHEN has_type_privilege(%(application)s, t.oid, 'USAGE WITH GRANT OPTION')
             AND NOT pg_has_role(%(application)s, t.typowner, 'USAGE') THEN ARRAY['USAGE'] ELSE '{}' END
FROM pg_type t JOIN ns ON ns.oid = t.typnamespace
WHERE t.typtype IN ('c', 'd', 'e', 'r', 'b')
  -- A domain over an array has an array's category.
  AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
  AND (t.typtype <> 'c' OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
  AND has_type_privilege(%(application)s, t.oid, 'USAGE')
UNION ALL
SELECT 'pg_namespace'::regclass::oid, n.oid, NULL, ARRAY['USAGE'],
       CASE WHEN has_schema_privilege(%(application)s, n.oid, 'USAGE WITH GRANT OPTION')
             AND NOT pg_has_role(%(application)s, n.nspowner, 'USAGE') THEN ARRAY['USAGE'] ELSE '{}' END
FROM pg_namespace n JOIN ns ON ns.oid = n.oid
WHERE has_schema_privilege(%(application)s, n.oid, 'USAGE')
