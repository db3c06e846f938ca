-- Event triggers that are not the migration's own and fire in its sessions: name, function, the function's name.
SELECT e.evtname::text,
       pg_catalog.format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)),
       p.proname::text
FROM pg_catalog.pg_event_trigger e
JOIN pg_catalog.pg_proc p ON p.oid = e.evtfoid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE e.evtenabled IN ('O', 'A') AND n.nspname <> 'waqiti_migration'
ORDER BY e.evtname
