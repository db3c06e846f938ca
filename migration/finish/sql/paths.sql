-- Functions and procedures whose own search_path is set, each as ALTER ROUTINE names it.
SELECT n.nspname::text, p.proname::text,
       (SELECT coalesce(pg_catalog.string_agg('IN ' || pg_catalog.format_type(a.type, NULL), ', ' ORDER BY a.number), '')
        FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY AS a (type, number)),
       pg_catalog.substring(setting, pg_catalog.length('search_path=') + 1)
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
CROSS JOIN LATERAL pg_catalog.unnest(p.proconfig) setting
WHERE pg_catalog.starts_with(setting, 'search_path=') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend x
                  WHERE x.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND x.objid = p.oid AND x.deptype = 'e')
ORDER BY 1, 2, 3
