-- Every object of the database that did not come with the server nor with this program, one row each.
-- parent: the object that it is a part of (the table of a constraint, the type of an array type);
-- a part goes where its whole goes. extension: of whom it is a member.
WITH ns AS (
    SELECT oid, nspname FROM pg_namespace
    WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'waqiti_migration', 'waqiti_ddl')
        AND nspname !~ '^pg_(toast_)?temp_'
), objects (classid, objid, kind, schema, name, arguments, parent_classid, parent_objid, definition) AS (
    SELECT 'pg_namespace'::regclass, oid, 'schema', NULL::name, nspname::text, NULL::text,
           NULL::regclass, NULL::oid, NULL::text
    FROM ns
    UNION ALL
    SELECT 'pg_class'::regclass, c.oid,
           CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view'
               WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table'
               WHEN 'c' THEN 'composite type' ELSE 'index' END,
           ns.nspname, c.relname::text, NULL,
           CASE WHEN i.indexrelid IS NOT NULL THEN 'pg_class'::regclass
                WHEN c.relkind = 'c' THEN 'pg_type'::regclass END,
           CASE WHEN i.indexrelid IS NOT NULL THEN i.indrelid WHEN c.relkind = 'c' THEN c.reltype END,
           CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid)
                WHEN i.indexrelid IS NOT NULL THEN pg_get_indexdef(c.oid) END
    FROM pg_class c JOIN ns ON ns.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c', 'i', 'I')
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END,
           ns.nspname, t.typname::text, NULL,
           CASE WHEN e.oid IS NOT NULL OR r.rngtypid IS NOT NULL THEN 'pg_type'::regclass
                WHEN c.relkind <> 'c' THEN 'pg_class'::regclass END,
           COALESCE(e.oid, r.rngtypid, CASE WHEN c.relkind <> 'c' THEN c.oid END),
           CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END
    FROM pg_type t JOIN ns ON ns.oid = t.typnamespace
    LEFT JOIN pg_type e ON e.typarray = t.oid
    LEFT JOIN pg_class c ON c.oid = t.typrelid
    LEFT JOIN pg_range r ON r.rngmultitypid = t.oid
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid,
           CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
           ns.nspname, p.proname::text, '(' || oidvectortypes(p.proargtypes) || ')',
           CASE WHEN i.refobjid IS NOT NULL THEN 'pg_type'::regclass END, i.refobjid,
           CASE WHEN p.prokind <> 'a' AND x.objid IS NULL THEN pg_get_functiondef(p.oid) END
    FROM pg_proc p JOIN ns ON ns.oid = p.pronamespace
    LEFT JOIN pg_depend x ON x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'e'
    -- The constructors of a range type are parts of it.
    LEFT JOIN pg_depend i ON i.classid = 'pg_proc'::regclass AND i.objid = p.oid AND i.deptype = 'i'
        AND i.refclassid = 'pg_type'::regclass
    UNION ALL
    SELECT 'pg_operator'::regclass, o.oid, 'operator', ns.nspname, o.oprname::text,
           '(' || concat_ws(',', NULLIF(o.oprleft, 0)::regtype, NULLIF(o.oprright, 0)::regtype) || ')',
           NULL, NULL, NULL
    -- A commutator or negator that was named and never defined is a shell; pg_dump leaves it out, and whoever names it
    -- makes it.
    FROM pg_operator o JOIN ns ON ns.oid = o.oprnamespace WHERE o.oprcode <> 0
    UNION ALL
    SELECT 'pg_opfamily'::regclass, f.oid, 'operator family', ns.nspname, f.opfname::text,
           ' using ' || a.amname, NULL, NULL, NULL
    FROM pg_opfamily f JOIN ns ON ns.oid = f.opfnamespace JOIN pg_am a ON a.oid = f.opfmethod
    UNION ALL
    SELECT 'pg_opclass'::regclass, o.oid, 'operator class', ns.nspname, o.opcname::text,
           ' using ' || a.amname, NULL, NULL, NULL
    FROM pg_opclass o JOIN ns ON ns.oid = o.opcnamespace JOIN pg_am a ON a.oid = o.opcmethod
    UNION ALL
    SELECT 'pg_collation'::regclass, c.oid, 'collation', ns.nspname, c.collname::text, NULL, NULL, NULL,
           format('CREATE COLLATION %I.%I (provider = %s, locale = %L, deterministic = %s)', ns.nspname, c.collname,
                  CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
                  -- Named otherwise up to PostgreSQL 16.
                  coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale', c.collcollate),
                  c.collisdeterministic)
    FROM pg_collation c JOIN ns ON ns.oid = c.collnamespace
    UNION ALL
    SELECT 'pg_conversion'::regclass, c.oid, 'conversion', ns.nspname, c.conname::text, NULL, NULL, NULL, NULL
    FROM pg_conversion c JOIN ns ON ns.oid = c.connamespace
    UNION ALL
    SELECT 'pg_ts_config'::regclass, c.oid, 'text search configuration', ns.nspname, c.cfgname::text,
           NULL, NULL, NULL, NULL
    FROM pg_ts_config c JOIN ns ON ns.oid = c.cfgnamespace
    UNION ALL
    SELECT 'pg_ts_dict'::regclass, c.oid, 'text search dictionary', ns.nspname, c.dictname::text,
           NULL, NULL, NULL, NULL
    FROM pg_ts_dict c JOIN ns ON ns.oid = c.dictnamespace
    UNION ALL
    SELECT 'pg_ts_parser'::regclass, c.oid, 'text search parser', ns.nspname, c.prsname::text,
           NULL, NULL, NULL, NULL
    FROM pg_ts_parser c JOIN ns ON ns.oid = c.prsnamespace
    UNION ALL
    SELECT 'pg_ts_template'::regclass, c.oid, 'text search template', ns.nspname, c.tmplname::text,
           NULL, NULL, NULL, NULL
    FROM pg_ts_template c JOIN ns ON ns.oid = c.tmplnamespace
    UNION ALL
    SELECT 'pg_statistic_ext'::regclass, s.oid, 'statistics', ns.nspname, s.stxname::text, NULL, NULL, NULL,
           pg_get_statisticsobjdef(s.oid)
    FROM pg_statistic_ext s JOIN ns ON ns.oid = s.stxnamespace
    UNION ALL
    SELECT 'pg_constraint'::regclass, k.oid,
           CASE k.contype WHEN 'f' THEN 'foreign key' WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique constraint'
               WHEN 'x' THEN 'exclusion constraint' WHEN 't' THEN 'constraint trigger'
               WHEN 'n' THEN 'not-null constraint' ELSE 'check constraint' END,
           ns.nspname, k.conname::text, NULL,
           CASE WHEN k.conrelid <> 0 THEN 'pg_class'::regclass WHEN k.contypid <> 0 THEN 'pg_type'::regclass END,
           CASE WHEN k.conrelid <> 0 THEN k.conrelid WHEN k.contypid <> 0 THEN k.contypid END,
           CASE WHEN k.contype <> 't' THEN pg_get_constraintdef(k.oid) END
    FROM pg_constraint k JOIN ns ON ns.oid = k.connamespace
    UNION ALL
    SELECT 'pg_attrdef'::regclass, d.oid, 'default', NULL, a.attname::text, NULL,
           'pg_class'::regclass, d.adrelid, pg_get_expr(d.adbin, d.adrelid)
    FROM pg_attrdef d
    JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    JOIN pg_class c ON c.oid = d.adrelid JOIN ns ON ns.oid = c.relnamespace
    UNION ALL
    SELECT 'pg_trigger'::regclass, t.oid, 'trigger', NULL, t.tgname::text, NULL,
           'pg_class'::regclass, t.tgrelid,
           pg_get_triggerdef(t.oid) || CASE WHEN t.tgenabled <> 'O' THEN format(
               '; ALTER TABLE %I.%I %s TRIGGER %I', ns.nspname, c.relname,
               CASE t.tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'DISABLE' END,
               t.tgname) ELSE '' END
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN ns ON ns.oid = c.relnamespace
    WHERE NOT t.tgisinternal AND NOT EXISTS (
        SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE p.oid = t.tgfoid AND n.nspname = 'waqiti_migration')
    UNION ALL
    SELECT 'pg_rewrite'::regclass, r.oid, 'rule', NULL, r.rulename::text, NULL,
           'pg_class'::regclass, r.ev_class, CASE WHEN r.rulename <> '_RETURN' THEN pg_get_ruledef(r.oid) END
    FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN ns ON ns.oid = c.relnamespace
    UNION ALL
    SELECT 'pg_policy'::regclass, p.oid, 'policy', NULL, p.polname::text, NULL,
           'pg_class'::regclass, p.polrelid,
           concat_ws(' ', 'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
                     'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
    FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN ns ON ns.oid = c.relnamespace
    UNION ALL
    SELECT 'pg_extension'::regclass, e.oid, 'extension', NULL, e.extname::text, NULL, NULL, NULL, NULL
    FROM pg_extension e
    UNION ALL
    SELECT 'pg_cast'::regclass, c.oid, 'cast', NULL,
           '(' || format_type(c.castsource, NULL) || ' AS ' || format_type(c.casttarget, NULL) || ')',
           NULL, NULL, NULL, NULL
    FROM pg_cast c WHERE c.oid >= 16384
    UNION ALL
    SELECT 'pg_transform'::regclass, t.oid, 'transform', NULL,
           'for ' || format_type(t.trftype, NULL) || ' language ' || l.lanname, NULL, NULL, NULL, NULL
    FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang
    UNION ALL
    SELECT 'pg_language'::regclass, l.oid, 'language', NULL, l.lanname::text, NULL, NULL, NULL, NULL
    FROM pg_language l WHERE l.oid >= 16384
    UNION ALL
    SELECT 'pg_am'::regclass, a.oid, 'access method', NULL, a.amname::text, NULL, NULL, NULL, NULL
    FROM pg_am a WHERE a.oid >= 16384
    UNION ALL
    SELECT 'pg_event_trigger'::regclass, e.oid, 'event trigger', NULL, e.evtname::text, NULL, NULL, NULL,
           CASE WHEN e.evtenabled = 'D' THEN 'DISABLE' ELSE array_to_string(e.evttags, ', ') END
    FROM pg_event_trigger e
    WHERE NOT EXISTS (
        SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE p.oid = e.evtfoid AND n.nspname = 'waqiti_migration')
    UNION ALL
    SELECT 'pg_publication'::regclass, p.oid, 'publication', NULL, p.pubname::text, NULL, NULL, NULL, NULL
    FROM pg_publication p
    UNION ALL
    SELECT 'pg_foreign_data_wrapper'::regclass, f.oid, 'foreign-data wrapper', NULL, f.fdwname::text,
           NULL, NULL, NULL, NULL
    FROM pg_foreign_data_wrapper f
    UNION ALL
    SELECT 'pg_foreign_server'::regclass, s.oid, 'foreign server', NULL, s.srvname::text, NULL, NULL, NULL, NULL
    FROM pg_foreign_server s
)
SELECT o.classid::oid, o.objid, o.kind, o.schema, o.name, o.arguments,
       o.parent_classid::oid, o.parent_objid, o.definition, x.extname
FROM objects o
LEFT JOIN pg_depend d ON d.classid = o.classid AND d.objid = o.objid AND d.objsubid = 0
    AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
LEFT JOIN pg_extension x ON x.oid = d.refobjid
