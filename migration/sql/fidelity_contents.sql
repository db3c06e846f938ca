-- What every object is, one row each, in a form that is the same wherever the same thing exists: no OIDs, no
-- owners, no sizes. whole_class, whole_oid: the object of pg_depend's kind that the row belongs to.
WITH ns AS (
    SELECT oid, nspname FROM pg_namespace
    WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'waqiti_migration')
      AND nspname !~ '^pg_(toast_)?temp_'
), rel AS (
    SELECT c.*, ns.nspname, format('%I.%I', ns.nspname, c.relname) AS identity
    FROM pg_class c JOIN ns ON ns.oid = c.relnamespace
)
SELECT 'pg_class'::regclass::oid AS whole_class, c.oid AS whole_oid,
       CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
           WHEN 'f' THEN 'foreign table' ELSE 'table' END AS kind, c.identity,
       concat_ws(' | ', c.relkind, c.relpersistence, array_to_string(c.reloptions, ','),
                 CASE WHEN c.relrowsecurity THEN 'row security' END,
                 CASE WHEN c.relforcerowsecurity THEN 'forced' END,
                 pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid),
                 (SELECT string_agg(i.inhparent::regclass::text, ',' ORDER BY i.inhseqno) FROM pg_inherits i
                  WHERE i.inhrelid = c.oid),
                 CASE WHEN c.relkind = 'm' AND NOT c.relispopulated THEN 'empty' END,
                 CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
                 (SELECT concat_ws(' ', format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin,
                                   s.seqmax, s.seqcache, s.seqcycle)
                  FROM pg_sequence s WHERE s.seqrelid = c.oid),
                 (SELECT 'owned by ' || format('%s.%I', d.refobjid::regclass, a.attname)
                  FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
                    AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND c.relkind = 'S')) AS content
FROM rel c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
UNION ALL
SELECT CASE WHEN c.relkind = 'c' THEN 'pg_type'::regclass ELSE 'pg_class'::regclass END,
       CASE WHEN c.relkind = 'c' THEN c.reltype ELSE c.oid END, 'column',
       c.identity || '.' || quote_ident(a.attname),
       concat_ws(' | ', format_type(a.atttypid, a.atttypmod),
                 row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum),
                 CASE WHEN a.attnotnull THEN 'not null' END,
                 -- Partitions have their parent's identity from PostgreSQL 17 on.
                 CASE WHEN NOT c.relispartition THEN NULLIF(a.attidentity, '') END, NULLIF(a.attgenerated, ''),
                 pg_get_expr(d.adbin, d.adrelid),
                 CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END,
                 CASE WHEN c.relkind IN ('r', 'p', 'm', 'f') AND a.attstorage <> t.typstorage THEN a.attstorage END,
                 NULLIF(a.attcompression, ''), 'statistics ' || NULLIF(a.attstattarget, -1),
                 -- pg_attver is a patched server's own (15.20); see migration/schema_rewrite.py.
                 (SELECT string_agg(o, ',') FROM unnest(a.attoptions) o WHERE o NOT LIKE 'pg\_attver=%'))
FROM rel c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
UNION ALL
SELECT 'pg_constraint'::regclass, k.oid, 'constraint',
       coalesce(NULLIF(k.conrelid, 0)::regclass::text, NULLIF(k.contypid, 0)::regtype::text) || '.'
           || quote_ident(k.conname),
       pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN ns ON ns.oid = k.connamespace
WHERE k.contype IN ('c', 'p', 'u', 'x', 'f') AND NOT (k.contype = 'f' AND k.conparentid <> 0)
UNION ALL
SELECT 'pg_class'::regclass, i.indexrelid, 'index', c.identity,
       concat_ws(' | ', pg_get_indexdef(i.indexrelid), CASE WHEN i.indisclustered THEN 'clustered' END,
                 CASE WHEN NOT i.indisvalid THEN 'invalid' END,
                 (SELECT 'part of ' || h.inhparent::regclass FROM pg_inherits h WHERE h.inhrelid = i.indexrelid))
FROM rel c JOIN pg_index i ON i.indexrelid = c.oid
UNION ALL
SELECT 'pg_trigger'::regclass, t.oid, 'trigger', c.identity || '.' || quote_ident(t.tgname),
       concat_ws(' | ', pg_get_triggerdef(t.oid), NULLIF(t.tgenabled, 'O'))
FROM rel c JOIN pg_trigger t ON t.tgrelid = c.oid
JOIN pg_proc f ON f.oid = t.tgfoid JOIN pg_namespace fn ON fn.oid = f.pronamespace
WHERE NOT t.tgisinternal AND fn.nspname <> 'waqiti_migration'
UNION ALL
SELECT 'pg_rewrite'::regclass, r.oid, 'rule', c.identity || '.' || quote_ident(r.rulename),
       concat_ws(' | ', pg_get_ruledef(r.oid), NULLIF(r.ev_enabled, 'O'))
FROM rel c JOIN pg_rewrite r ON r.ev_class = c.oid WHERE r.rulename <> '_RETURN'
UNION ALL
SELECT 'pg_policy'::regclass, p.oid, 'policy', c.identity || '.' || quote_ident(p.polname),
       concat_ws(' | ', p.polcmd, CASE WHEN NOT p.polpermissive THEN 'restrictive' END,
                 pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
FROM rel c JOIN pg_policy p ON p.polrelid = c.oid
UNION ALL
SELECT 'pg_proc'::regclass, p.oid, 'routine',
       format('%I.%I(%s)', ns.nspname, p.proname, oidvectortypes(p.proargtypes)),
       CASE WHEN p.prokind = 'a' THEN
           (SELECT concat_ws(' | ', pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid),
                             a.aggkind, a.aggtransfn::regprocedure, NULLIF(a.aggfinalfn, 0)::regprocedure,
                             NULLIF(a.aggcombinefn, 0)::regprocedure, NULLIF(a.aggserialfn, 0)::regprocedure,
                             NULLIF(a.aggmtransfn, 0)::regprocedure, format_type(a.aggtranstype, NULL),
                             NULLIF(a.aggsortop, 0)::regoperator, a.agginitval, p.proparallel)
            FROM pg_aggregate a WHERE a.aggfnoid = p.oid)
       ELSE pg_get_functiondef(p.oid) END
FROM pg_proc p JOIN ns ON ns.oid = p.pronamespace
UNION ALL
SELECT 'pg_type'::regclass, t.oid, 'type', format('%I.%I', ns.nspname, t.typname),
       concat_ws(' | ', t.typtype, CASE WHEN t.typbasetype <> 0 THEN format_type(t.typbasetype, t.typtypmod) END,
                 CASE WHEN t.typnotnull THEN 'not null' END, t.typdefault,
                 (SELECT string_agg(quote_literal(e.enumlabel), ',' ORDER BY e.enumsortorder) FROM pg_enum e
                  WHERE e.enumtypid = t.oid),
                 (SELECT concat_ws(' ', format_type(r.rngsubtype, NULL), NULLIF(r.rngcollation, 0)::regcollation,
                                   NULLIF(r.rngcanonical, 0)::regprocedure, NULLIF(r.rngsubdiff, 0)::regprocedure,
                                   format_type(r.rngmultitypid, NULL))
                  FROM pg_range r WHERE r.rngtypid = t.oid),
                 CASE WHEN t.typtype = 'd' AND t.typcollation <> b.typcollation
                      THEN t.typcollation::regcollation::text END)
FROM pg_type t JOIN ns ON ns.oid = t.typnamespace
LEFT JOIN pg_class c ON c.oid = t.typrelid LEFT JOIN pg_type b ON b.oid = t.typbasetype
WHERE (t.typrelid = 0 OR c.relkind = 'c') AND t.typtype <> 'm'
  AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
UNION ALL
SELECT 'pg_statistic_ext'::regclass, s.oid, 'statistics', format('%I.%I', ns.nspname, s.stxname),
       concat_ws(' | ', pg_get_statisticsobjdef(s.oid), NULLIF(s.stxstattarget, -1))
FROM pg_statistic_ext s JOIN ns ON ns.oid = s.stxnamespace
UNION ALL
SELECT 'pg_operator'::regclass, o.oid, 'operator',
       format('%I.%s(%s,%s)', ns.nspname, o.oprname, o.oprleft::regtype, o.oprright::regtype),
       concat_ws(' | ', o.oprresult::regtype, o.oprcode::oid::regprocedure, NULLIF(o.oprcom, 0)::regoperator,
                 NULLIF(o.oprnegate, 0)::regoperator, o.oprcanhash, o.oprcanmerge, NULLIF(o.oprrest, 0)::regproc,
                 NULLIF(o.oprjoin, 0)::regproc)
FROM pg_operator o JOIN ns ON ns.oid = o.oprnamespace
UNION ALL
SELECT 'pg_collation'::regclass, o.oid, 'collation', format('%I.%I', ns.nspname, o.collname),
       concat_ws(' | ', o.collprovider, o.collisdeterministic, o.collcollate, o.collctype)
FROM pg_collation o JOIN ns ON ns.oid = o.collnamespace
UNION ALL
SELECT 'pg_ts_dict'::regclass, d.oid, 'text search dictionary', format('%I.%I', ns.nspname, d.dictname),
       concat_ws(' | ', t.tmplname, d.dictinitoption)
FROM pg_ts_dict d JOIN ns ON ns.oid = d.dictnamespace JOIN pg_ts_template t ON t.oid = d.dicttemplate
UNION ALL
SELECT 'pg_ts_config'::regclass, g.oid, 'text search configuration', format('%I.%I', ns.nspname, g.cfgname),
       concat_ws(' | ', p.prsname, (SELECT string_agg(concat_ws(' ', m.maptokentype, m.mapseqno,
                                                    m.mapdict::regdictionary), ',' ORDER BY m.maptokentype, m.mapseqno)
                                    FROM pg_ts_config_map m WHERE m.mapcfg = g.oid))
FROM pg_ts_config g JOIN ns ON ns.oid = g.cfgnamespace JOIN pg_ts_parser p ON p.oid = g.cfgparser
UNION ALL
SELECT 'pg_cast'::regclass, k.oid, 'cast', format('(%s AS %s)', k.castsource::regtype, k.casttarget::regtype),
       concat_ws(' | ', k.castcontext, k.castmethod, NULLIF(k.castfunc, 0)::regprocedure)
FROM pg_cast k WHERE k.oid >= 16384
UNION ALL
SELECT d.classoid, d.objoid, 'comment', i.type || ' ' || i.identity, d.description
FROM pg_description d CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i
WHERE d.objoid >= 16384 AND d.classoid NOT IN ('pg_extension'::regclass, 'pg_database'::regclass)
  AND i.identity !~ '\mwaqiti_migration\M'
