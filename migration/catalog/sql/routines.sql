-- Functions and procedures whose bodies may name other objects, with the search_path that they pin.
SELECT p.oid, l.lanname, p.prosrc, p.prosqlbody IS NOT NULL, p.prosecdef,
       (SELECT substring(setting FROM length('search_path=') + 1)
        FROM unnest(p.proconfig) setting WHERE setting LIKE 'search_path=%'),
       l.lanpltrusted OR l.lanname = 'sql', p.proleakproof
FROM pg_proc p
JOIN pg_language l ON l.oid = p.prolang
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'waqiti_migration', 'waqiti_ddl')
  AND p.prokind <> 'a'
  AND NOT EXISTS (SELECT FROM pg_depend x
                  WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'e')
ORDER BY p.oid
