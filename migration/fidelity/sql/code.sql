-- What stands on its own: routines, types, operators, collations, text search, casts, conversions, extensions. The
-- columns are those of relations.sql.
WITH ns AS (
    SELECT oid, nspname FROM pg_namespace
    WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'waqiti_migration', 'waqiti_ddl')
      AND nspname !~ '^pg_(toast_)?temp_'
)
SELECT 'pg_proc'::regclass::oid, p.oid, 'routine',
       format('%I.%I(%s)', ns.nspname, p.proname, oidvectortypes(p.proargtypes)), NULL::text,
       jsonb_strip_nulls(CASE WHEN p.prokind = 'a' THEN
           (SELECT jsonb_build_object(
               'arguments', pg_get_function_arguments(p.oid), 'returns', pg_get_function_result(p.oid),
               'kind', a.aggkind, 'transition', a.aggtransfn::regprocedure,
               'final', NULLIF(a.aggfinalfn, 0)::regprocedure, 'final modifies', a.aggfinalmodify,
               'final extra', a.aggfinalextra, 'combine', NULLIF(a.aggcombinefn, 0)::regprocedure,
               'serialize', NULLIF(a.aggserialfn, 0)::regprocedure,
               'deserialize', NULLIF(a.aggdeserialfn, 0)::regprocedure,
               'moving transition', NULLIF(a.aggmtransfn, 0)::regprocedure,
               'moving inverse', NULLIF(a.aggminvtransfn, 0)::regprocedure,
               'moving final', NULLIF(a.aggmfinalfn, 0)::regprocedure,
               'state', format_type(a.aggtranstype, NULL), 'space', a.aggtransspace,
               'sort', NULLIF(a.aggsortop, 0)::regoperator, 'initial', a.agginitval,
               'moving initial', a.aggminitval, 'parallel', p.proparallel)
            FROM pg_aggregate a WHERE a.aggfnoid = p.oid)
       ELSE jsonb_build_object('definition', pg_get_functiondef(p.oid)) END),
       -- So named it is no other (schema/sql/made.sql says why).
       format('DROP ROUTINE %I.%I(%s)', ns.nspname, p.proname,
              (SELECT string_agg('IN ' || format_type(a.type, NULL), ', ' ORDER BY a.number)
               FROM unnest(p.proargtypes) WITH ORDINALITY AS a (type, number))),
       CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END
FROM pg_proc p JOIN ns ON ns.oid = p.pronamespace
UNION ALL
SELECT 'pg_type'::regclass, t.oid, CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END,
       format('%I.%I', ns.nspname, t.typname), NULL,
       jsonb_strip_nulls(jsonb_build_object(
           'is', CASE t.typtype WHEN 'c' THEN 'composite' WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum'
                     WHEN 'r' THEN 'range' WHEN 'p' THEN 'shell' ELSE 'base' END,
           'base', CASE WHEN t.typbasetype <> 0 THEN format_type(t.typbasetype, t.typtypmod) END,
           'not null', CASE WHEN t.typnotnull THEN true END,
           'default', coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault),
           'labels', (SELECT array_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
           'subtype', format_type(r.rngsubtype, NULL), 'subtype collation', NULLIF(r.rngcollation, 0)::regcollation,
           'canonical', NULLIF(r.rngcanonical, 0)::regprocedure, 'difference', NULLIF(r.rngsubdiff, 0)::regprocedure,
           'multirange', format_type(r.rngmultitypid, NULL),
           'collation', CASE WHEN t.typtype = 'd' AND t.typcollation <> b.typcollation
                        THEN t.typcollation::regcollation END))
           || jsonb_strip_nulls(jsonb_build_object('operator class',
               (SELECT format('%I.%I', n.nspname, o.opcname) FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace
                WHERE o.oid = r.rngsubopc))),
       format('DROP %s %I.%I', CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, ns.nspname, t.typname), NULL
FROM pg_type t JOIN ns ON ns.oid = t.typnamespace
LEFT JOIN pg_class c ON c.oid = t.typrelid LEFT JOIN pg_type b ON b.oid = t.typbasetype
LEFT JOIN pg_range r ON r.rngtypid = t.oid
WHERE (t.typrelid = 0 OR c.relkind = 'c') AND t.typtype <> 'm'
  AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
UNION ALL
SELECT 'pg_operator'::regclass, o.oid, 'operator',
       format('%I.%s(%s,%s)', ns.nspname, o.oprname, o.oprleft::regtype, o.oprright::regtype), NULL,
       jsonb_strip_nulls(jsonb_build_object(
           'result', o.oprresult::regtype, 'function', o.oprcode::oid::regprocedure,
           'commutator', NULLIF(o.oprcom, 0)::regoperator, 'negator', NULLIF(o.oprnegate, 0)::regoperator,
           'hashes', o.oprcanhash, 'merges', o.oprcanmerge,
           'restrict', NULLIF(o.oprrest, 0)::regproc, 'join', NULLIF(o.oprjoin, 0)::regproc)),
       format('DROP OPERATOR %I.%s (%s, %s)', ns.nspname, o.oprname,
              coalesce(NULLIF(o.oprleft, 0)::regtype::text, 'NONE'), o.oprright::regtype), NULL
FROM pg_operator o JOIN ns ON ns.oid = o.oprnamespace WHERE o.oprcode <> 0
UNION ALL
SELECT 'pg_collation'::regclass, o.oid, 'collation', format('%I.%I', ns.nspname, o.collname), NULL,
       jsonb_strip_nulls(jsonb_build_object(
           'provider', o.collprovider, 'deterministic', o.collisdeterministic,
           'collate', o.collcollate, 'ctype', o.collctype,
           -- Named otherwise up to PostgreSQL 16.
           'locale', coalesce(to_jsonb(o) ->> 'colllocale', to_jsonb(o) ->> 'colliculocale'),
           'rules', to_jsonb(o) ->> 'collicurules')),
       format('DROP COLLATION %I.%I', ns.nspname, o.collname), NULL
FROM pg_collation o JOIN ns ON ns.oid = o.collnamespace
UNION ALL
SELECT 'pg_conversion'::regclass, v.oid, 'conversion', format('%I.%I', ns.nspname, v.conname), NULL,
       jsonb_build_object('from', pg_encoding_to_char(v.conforencoding), 'to', pg_encoding_to_char(v.contoencoding),
                          'function', v.conproc::oid::regprocedure, 'default', v.condefault),
       format('DROP CONVERSION %I.%I', ns.nspname, v.conname), NULL
FROM pg_conversion v JOIN ns ON ns.oid = v.connamespace
UNION ALL
SELECT 'pg_ts_dict'::regclass, d.oid, 'text search dictionary', format('%I.%I', ns.nspname, d.dictname), NULL,
       jsonb_strip_nulls(jsonb_build_object('template', t.tmplname, 'options', d.dictinitoption)),
       format('DROP TEXT SEARCH DICTIONARY %I.%I', ns.nspname, d.dictname), NULL
FROM pg_ts_dict d JOIN ns ON ns.oid = d.dictnamespace JOIN pg_ts_template t ON t.oid = d.dicttemplate
UNION ALL
SELECT 'pg_ts_config'::regclass, g.oid, 'text search configuration', format('%I.%I', ns.nspname, g.cfgname), NULL,
       jsonb_strip_nulls(jsonb_build_object(
           'parser', p.prsname,
           'mappings', (SELECT array_agg(concat_ws(' ', m.maptokentype, m.mapseqno, m.mapdict::regdictionary)
                                         ORDER BY m.maptokentype, m.mapseqno)
                        FROM pg_ts_config_map m WHERE m.mapcfg = g.oid))),
       format('DROP TEXT SEARCH CONFIGURATION %I.%I', ns.nspname, g.cfgname), NULL
FROM pg_ts_config g JOIN ns ON ns.oid = g.cfgnamespace JOIN pg_ts_parser p ON p.oid = g.cfgparser
UNION ALL
SELECT 'pg_cast'::regclass, k.oid, 'cast', format('(%s AS %s)', k.castsource::regtype, k.casttarget::regtype), NULL,
       jsonb_strip_nulls(jsonb_build_object('context', k.castcontext, 'method', k.castmethod,
                                            'function', NULLIF(k.castfunc, 0)::regprocedure)),
       format('DROP CAST (%s AS %s)', k.castsource::regtype, k.casttarget::regtype),
       format('CREATE CAST (%s AS %s) %s%s', k.castsource::regtype, k.casttarget::regtype,
              CASE k.castmethod WHEN 'f' THEN 'WITH FUNCTION ' || k.castfunc::regprocedure
                  WHEN 'i' THEN 'WITH INOUT' ELSE 'WITHOUT FUNCTION' END,
              CASE k.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' END)
FROM pg_cast k WHERE k.oid >= 16384
UNION ALL
SELECT 'pg_extension'::regclass, e.oid, 'extension', quote_ident(e.extname), NULL,
       jsonb_build_object('schema', quote_ident(n.nspname)),
       format('DROP EXTENSION %I', e.extname), format('CREATE EXTENSION %I WITH SCHEMA %I', e.extname, n.nspname)
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
