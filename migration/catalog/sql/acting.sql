-- What reads and writes with its owner's rights and not with its caller's: (class, OID), the owner. Views that are
-- no security_invoker, materialized views, SECURITY DEFINER routines, tables with rules.
SELECT 'pg_class'::regclass::oid, c.oid, r.rolname::text
FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
WHERE c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
  AND (c.relkind = 'm'
       OR c.relkind = 'v' AND NOT EXISTS (SELECT FROM pg_options_to_table(c.reloptions)
                                          WHERE option_name = 'security_invoker' AND option_value::boolean)
       OR c.relkind IN ('r', 'p') AND EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = c.oid))
UNION ALL
SELECT 'pg_proc'::regclass::oid, p.oid, r.rolname::text
FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
WHERE p.prosecdef AND p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
