-- A hash of how a schema's tables, columns, constraints, indexes, functions, triggers and policies are
-- defined. Our own guards and the replica identities we settle are left out, and the foreign keys that
-- cross to other schemas: a cutover drops them.
SELECT pg_catalog.md5(coalesce(pg_catalog.string_agg(line, E'\n' ORDER BY line COLLATE "C"), ''))
FROM pg_catalog.pg_namespace n
CROSS JOIN LATERAL (
    SELECT pg_catalog.concat_ws('|', 'column', c.relname, a.attnum, a.attname, c.relkind,
               pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated, a.attidentity,
               pg_catalog.pg_get_expr(d.adbin, d.adrelid)) AS line
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'c', 'f')
    UNION ALL
    SELECT pg_catalog.concat_ws('|', 'constraint', c.conrelid, c.conname, pg_catalog.pg_get_constraintdef(c.oid))
    FROM pg_catalog.pg_constraint c
    LEFT JOIN pg_catalog.pg_class r ON r.oid = c.confrelid
    WHERE c.connamespace = n.oid AND (c.contype <> 'f' OR r.relnamespace = n.oid)
    UNION ALL
    SELECT pg_catalog.concat_ws('|', 'index', c.relname, pg_catalog.pg_get_indexdef(c.oid))
    FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('i', 'I')
    UNION ALL
    SELECT pg_catalog.concat_ws('|', 'function', p.proname, p.oid, p.prosrc, p.proargtypes, p.proconfig)
    FROM pg_catalog.pg_proc p WHERE p.pronamespace = n.oid
    UNION ALL
    SELECT pg_catalog.concat_ws('|', 'trigger', t.tgrelid, t.tgenabled, pg_catalog.pg_get_triggerdef(t.oid))
    FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = n.oid AND NOT t.tgisinternal AND t.tgname NOT LIKE 'waqiti\_migration\_%%'
    UNION ALL
    SELECT pg_catalog.concat_ws('|', 'policy', p.polrelid, p.polname, p.polcmd, p.polqual, p.polwithcheck)
    FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
    WHERE c.relnamespace = n.oid
    UNION ALL
    SELECT pg_catalog.concat_ws('|', 'type', t.typname, t.typtype, e.enumlabel, e.enumsortorder)
    FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_enum e ON e.enumtypid = t.oid
    WHERE t.typnamespace = n.oid
) AS lines
WHERE n.nspname = %(schema)s
