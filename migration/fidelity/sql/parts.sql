-- What tables, views and domains have: constraints, indexes, statistics, triggers, rules, policies. The columns are
-- those of relations.sql. `expressions` are the parts of a definition that were parsed, as they stand in it.
WITH ns AS (
    SELECT oid, nspname FROM pg_namespace
    WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'waqiti_migration', 'waqiti_ddl')
      AND nspname !~ '^pg_(toast_)?temp_'
), rel AS (
    SELECT c.*, format('%I.%I', ns.nspname, c.relname) AS identity
    FROM pg_class c JOIN ns ON ns.oid = c.relnamespace
), parsed AS (
    SELECT i.indexrelid, (SELECT jsonb_agg(e.printed ORDER BY e.place) FROM (
        SELECT k.place, pg_get_indexdef(i.indexrelid, k.place::int, false)
        FROM unnest(i.indkey) WITH ORDINALITY k (attnum, place) WHERE k.attnum = 0
        UNION ALL
        SELECT 1000, pg_get_expr(i.indpred, i.indrelid) WHERE i.indpred IS NOT NULL
    ) e (place, printed)) AS expressions
    FROM pg_index i WHERE (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL) AND i.indexrelid >= 16384
), constraints AS (
    SELECT k.*, coalesce(NULLIF(k.conrelid, 0)::regclass::text, NULLIF(k.contypid, 0)::regtype::text) AS owner,
           CASE WHEN k.contypid <> 0 THEN 'DOMAIN' ELSE 'TABLE' END AS of_kind, quote_ident(k.conname) AS quoted
    FROM pg_constraint k JOIN ns ON ns.oid = k.connamespace
    WHERE k.contype IN ('c', 'p', 'u', 'x', 'f', 'n') AND NOT (k.contype = 'f' AND k.conparentid <> 0)
)
SELECT 'pg_constraint'::regclass::oid, k.oid,
       CASE k.contype WHEN 'n' THEN 'not-null constraint' ELSE 'constraint' END, k.owner || '.' || k.quoted, k.owner,
       jsonb_strip_nulls(jsonb_build_object(
           'of', lower(k.of_kind), 'name', k.quoted,
           'definition', pg_get_constraintdef(k.oid),
           'inherited', CASE WHEN NOT k.conislocal AND k.conparentid = 0 THEN true END,
           'valid', CASE WHEN NOT k.convalidated THEN false END,
           'expressions', CASE k.contype WHEN 'c' THEN jsonb_build_array(pg_get_expr(k.conbin, k.conrelid))
               WHEN 'x' THEN (SELECT p.expressions FROM parsed p WHERE p.indexrelid = k.conindid) END)),
       format('ALTER %s %s DROP CONSTRAINT %s', k.of_kind, k.owner, k.quoted),
       format('ALTER %s %s ADD CONSTRAINT %s %s', k.of_kind, k.owner, k.quoted, pg_get_constraintdef(k.oid))
FROM constraints k
UNION ALL
SELECT 'pg_class'::regclass, i.indexrelid, 'index', c.identity, i.indrelid::regclass::text,
       jsonb_strip_nulls(jsonb_build_object(
           'definition', pg_get_indexdef(i.indexrelid),
           'clustered', CASE WHEN i.indisclustered THEN true END,
           'valid', CASE WHEN NOT i.indisvalid THEN false END,
           'replica identity', CASE WHEN i.indisreplident THEN true END,
           'statistics', (SELECT jsonb_object_agg(a.attnum, a.attstattarget) FROM pg_attribute a
                          WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0),
           'part of', (SELECT h.inhparent::regclass FROM pg_inherits h WHERE h.inhrelid = i.indexrelid),
           'name', quote_ident(c.relname),
           'expressions', parsed.expressions)),
       CASE WHEN k.oid IS NULL THEN format('DROP INDEX %s', c.identity) END,
       CASE WHEN k.oid IS NULL THEN pg_get_indexdef(i.indexrelid) END
FROM rel c JOIN pg_index i ON i.indexrelid = c.oid AND (i.indisvalid OR c.relkind = 'I')
LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN parsed ON parsed.indexrelid = i.indexrelid
UNION ALL
SELECT 'pg_statistic_ext'::regclass, s.oid, 'statistics', format('%I.%I', ns.nspname, s.stxname),
       s.stxrelid::regclass::text,
       -- pg_get_statisticsobjdef leaves brackets out of the expressions that every other function prints.
       jsonb_strip_nulls(jsonb_build_object('definition', concat('(', array_to_string(s.stxkind, ', '), ') ON ',
           array_to_string(array(SELECT quote_ident(a.attname) FROM pg_attribute a
                                 WHERE a.attrelid = s.stxrelid AND a.attnum = ANY (s.stxkeys) ORDER BY a.attnum)
                           || pg_get_statisticsobjdef_expressions(s.oid), ', ')),
                                            'target', NULLIF(s.stxstattarget, -1),
                                            'expressions', pg_get_statisticsobjdef_expressions(s.oid))),
       format('DROP STATISTICS %I.%I', ns.nspname, s.stxname),
       pg_get_statisticsobjdef(s.oid)
           || CASE WHEN s.stxstattarget >= 0 THEN format('; ALTER STATISTICS %I.%I SET STATISTICS %s', ns.nspname,
                                                         s.stxname, s.stxstattarget) ELSE '' END
FROM pg_statistic_ext s JOIN ns ON ns.oid = s.stxnamespace
UNION ALL
SELECT 'pg_trigger'::regclass, t.oid, 'trigger', c.identity || '.' || quote_ident(t.tgname), c.identity,
       jsonb_strip_nulls(jsonb_build_object(
           'definition', pg_get_triggerdef(t.oid), 'name', quote_ident(t.tgname),
           'state', CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'A' THEN 'always' WHEN 'R' THEN 'replica' END)),
       format('DROP TRIGGER %I ON %s', t.tgname, c.identity),
       pg_get_triggerdef(t.oid) || CASE t.tgenabled
           WHEN 'D' THEN format('; ALTER TABLE %s DISABLE TRIGGER %I', c.identity, t.tgname)
           WHEN 'A' THEN format('; ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', c.identity, t.tgname)
           WHEN 'R' THEN format('; ALTER TABLE %s ENABLE REPLICA TRIGGER %I', c.identity, t.tgname) ELSE '' END
FROM rel c JOIN pg_trigger t ON t.tgrelid = c.oid
JOIN pg_proc f ON f.oid = t.tgfoid JOIN pg_namespace fn ON fn.oid = f.pronamespace
WHERE NOT t.tgisinternal AND fn.nspname <> 'waqiti_migration'
UNION ALL
SELECT 'pg_rewrite'::regclass, r.oid, 'rule', c.identity || '.' || quote_ident(r.rulename), c.identity,
       jsonb_strip_nulls(jsonb_build_object(
           'definition', pg_get_ruledef(r.oid), 'name', quote_ident(r.rulename),
           'state', CASE r.ev_enabled WHEN 'D' THEN 'disabled' WHEN 'A' THEN 'always' WHEN 'R' THEN 'replica' END)),
       format('DROP RULE %I ON %s', r.rulename, c.identity),
       rtrim(pg_get_ruledef(r.oid), ';') || CASE r.ev_enabled
           WHEN 'D' THEN format('; ALTER TABLE %s DISABLE RULE %I', c.identity, r.rulename)
           WHEN 'A' THEN format('; ALTER TABLE %s ENABLE ALWAYS RULE %I', c.identity, r.rulename)
           WHEN 'R' THEN format('; ALTER TABLE %s ENABLE REPLICA RULE %I', c.identity, r.rulename) ELSE '' END
FROM rel c JOIN pg_rewrite r ON r.ev_class = c.oid WHERE r.rulename <> '_RETURN'
UNION ALL
SELECT 'pg_policy'::regclass, p.oid, 'policy', c.identity || '.' || quote_ident(p.polname), c.identity,
       jsonb_strip_nulls(jsonb_build_object(
           'name', quote_ident(p.polname),
           'command', CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
               WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
           'restrictive', CASE WHEN NOT p.polpermissive THEN true END,
           'roles', (SELECT coalesce(array_agg(r.rolname ORDER BY r.rolname), '{}') FROM pg_roles r
                     WHERE r.oid = ANY (p.polroles)),
           'using', pg_get_expr(p.polqual, p.polrelid),
           'check', pg_get_expr(p.polwithcheck, p.polrelid))),
       format('DROP POLICY %I ON %s', p.polname, c.identity), NULL
FROM rel c JOIN pg_policy p ON p.polrelid = c.oid
