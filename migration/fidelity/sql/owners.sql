-- Who owns what, and what PUBLIC may do with it: (class, OID); what ALTER ... OWNER calls it, NULL where its owner
-- follows something else's; its owner; what GRANT calls it; PUBLIC's privileges.
WITH ns AS (
    SELECT oid, nspname FROM pg_namespace
    WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'waqiti_migration', 'waqiti_ddl')
      AND nspname !~ '^pg_(toast_)?temp_'
), owned (classid, oid, called, owner, privileges, acl) AS (
    SELECT 'pg_class'::regclass::oid, c.oid,
           CASE WHEN d.objid IS NULL THEN format('TABLE %I.%I', ns.nspname, c.relname) END, c.relowner,
           format('%s %I.%I', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, ns.nspname, c.relname),
           coalesce(c.relacl, acldefault((CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END)::"char", c.relowner))
    FROM pg_class c JOIN ns ON ns.oid = c.relnamespace
    LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
        AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND c.relkind = 'S'
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid,
           named.routine, p.proowner, named.routine, coalesce(p.proacl, acldefault('f', p.proowner))
    FROM pg_proc p JOIN ns ON ns.oid = p.pronamespace
    -- So named it is no other (schema/sql/made.sql says why).
    CROSS JOIN LATERAL (
        SELECT format('ROUTINE %I.%I(%s)', ns.nspname, p.proname,
                      string_agg('IN ' || format_type(a.type, NULL), ', ' ORDER BY a.number))
        FROM unnest(p.proargtypes) WITH ORDINALITY AS a (type, number)
    ) AS named (routine)
    -- A range type's constructors are its own.
    WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                                                AND d.deptype = 'i')
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, format('TYPE %I.%I', ns.nspname, t.typname), t.typowner,
           format('TYPE %I.%I', ns.nspname, t.typname), coalesce(t.typacl, acldefault('T', t.typowner))
    FROM pg_type t JOIN ns ON ns.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE (t.typrelid = 0 OR c.relkind = 'c') AND t.typtype <> 'm'
      AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
    UNION ALL
    SELECT 'pg_operator'::regclass, o.oid,
           format('OPERATOR %I.%s (%s, %s)', ns.nspname, o.oprname,
                  coalesce(NULLIF(o.oprleft, 0)::regtype::text, 'NONE'), o.oprright::regtype), o.oprowner, NULL, NULL
    FROM pg_operator o JOIN ns ON ns.oid = o.oprnamespace
    UNION ALL
    SELECT 'pg_collation'::regclass, c.oid, format('COLLATION %I.%I', ns.nspname, c.collname), c.collowner, NULL, NULL
    FROM pg_collation c JOIN ns ON ns.oid = c.collnamespace
    UNION ALL
    SELECT 'pg_conversion'::regclass, v.oid, format('CONVERSION %I.%I', ns.nspname, v.conname), v.conowner, NULL, NULL
    FROM pg_conversion v JOIN ns ON ns.oid = v.connamespace
    UNION ALL
    SELECT 'pg_ts_dict'::regclass, d.oid, format('TEXT SEARCH DICTIONARY %I.%I', ns.nspname, d.dictname),
           d.dictowner, NULL, NULL
    FROM pg_ts_dict d JOIN ns ON ns.oid = d.dictnamespace
    UNION ALL
    SELECT 'pg_ts_config'::regclass, g.oid, format('TEXT SEARCH CONFIGURATION %I.%I', ns.nspname, g.cfgname),
           g.cfgowner, NULL, NULL
    FROM pg_ts_config g JOIN ns ON ns.oid = g.cfgnamespace
    UNION ALL
    SELECT 'pg_statistic_ext'::regclass, s.oid, format('STATISTICS %I.%I', ns.nspname, s.stxname), s.stxowner,
           NULL, NULL
    FROM pg_statistic_ext s JOIN ns ON ns.oid = s.stxnamespace
)
SELECT o.classid, o.oid, o.called, r.rolname, o.privileges,
       (SELECT array_agg(a.privilege_type ORDER BY a.privilege_type) FROM aclexplode(o.acl) a WHERE a.grantee = 0)
FROM owned o JOIN pg_roles r ON r.oid = o.owner
