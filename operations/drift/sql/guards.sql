-- Guards of writes (functions of waqiti_migration that triggers of several tables call): those that are not always
-- enabled, and tables of a guarded schema that have fewer than the others.
WITH guard AS (
    SELECT t.tgrelid, t.tgname, t.tgenabled, t.tgfoid, c.relnamespace
    FROM pg_catalog.pg_trigger t
    JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
    JOIN pg_catalog.pg_namespace f ON f.oid = p.pronamespace AND f.nspname = 'waqiti_migration'
    JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
    WHERE NOT t.tgisinternal AND p.proname LIKE 'guard%%'
)
SELECT n.nspname, c.relname, g.tgname, 'enabled ' || g.tgenabled::text
FROM guard g JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE g.tgenabled <> 'A'
UNION ALL
SELECT n.nspname, c.relname, '', 'has ' || count(g.tgname) || ' guards'
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN guard g ON g.tgrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND c.relnamespace IN (SELECT relnamespace FROM guard) AND n.nspname <> 'waqiti_migration'
GROUP BY 1, 2
HAVING count(g.tgname) < 2
