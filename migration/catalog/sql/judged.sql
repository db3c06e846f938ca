-- Expressions that are evaluated where a row is written, built or refreshed, and that more decides than the row: by
-- which functions of a body of their own, and whether by what changes (the clock, a session's settings); whether
-- it asks the clock, the user or a setting by name; whether a row may fail it that it let in before.
-- classid, objid: the constraint, default (of a stored generated column), index, partitioned table, statistics object;
-- whether a constraint is there by inheritance alone; and whether it is of a domain that a column holds within another
-- type, where no check of it can be validated (get_rels_with_domain and find_composite_type_dependencies in
-- src/backend/commands).
-- https://www.postgresql.org/docs/current/xfunc-volatility.html
WITH RECURSIVE ns AS (
    SELECT oid FROM pg_namespace
    WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'waqiti_migration', 'waqiti_ddl')
      AND nspname !~ '^pg_(toast_)?temp_'
), expressions (classid, objid, tree) AS (
    SELECT 'pg_constraint'::regclass, k.oid, k.conbin::text
    FROM pg_constraint k JOIN ns ON ns.oid = k.connamespace WHERE k.contype = 'c'
    UNION ALL
    SELECT 'pg_attrdef'::regclass, d.oid, d.adbin::text
    FROM pg_attrdef d JOIN pg_attribute a ON (a.attrelid, a.attnum) = (d.adrelid, d.adnum)
    JOIN pg_class c ON c.oid = d.adrelid JOIN ns ON ns.oid = c.relnamespace WHERE a.attgenerated <> ''
    UNION ALL
    SELECT 'pg_class'::regclass, i.indexrelid, concat(i.indexprs::text, i.indpred::text)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN ns ON ns.oid = c.relnamespace
    WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
    UNION ALL
    SELECT 'pg_class'::regclass, p.partrelid, p.partexprs::text
    FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid JOIN ns ON ns.oid = c.relnamespace
    WHERE p.partexprs IS NOT NULL
    UNION ALL
    SELECT 'pg_statistic_ext'::regclass, s.oid, s.stxexprs::text
    FROM pg_statistic_ext s JOIN ns ON ns.oid = s.stxnamespace WHERE s.stxexprs IS NOT NULL
), called (classid, objid, routine) AS (
    SELECT e.classid, e.objid, m[1]::oid
    FROM expressions e, regexp_matches(e.tree, ':(?:funcid|opfuncid) (\d+)', 'g') m
    UNION
    SELECT e.classid, e.objid, o.oprcode::oid
    FROM expressions e, regexp_matches(e.tree, ':opno (\d+)', 'g') m JOIN pg_operator o ON o.oid = m[1]::oid
    UNION
    -- A value that goes by its text is read and printed by its type.
    SELECT e.classid, e.objid, io
    FROM expressions e, regexp_matches(e.tree, ':(?:vartype|(?:func|op)?resulttype|consttype|typeId) (\d+)', 'g') m
    JOIN pg_type t ON t.oid = m[1]::oid, unnest(ARRAY[t.typinput::oid, t.typoutput::oid]) io
    WHERE e.tree LIKE '%{COERCEVIAIO %'
    UNION
    -- A cast to a domain asks the domain's checks.
    SELECT e.classid, e.objid, f[1]::oid
    FROM expressions e, regexp_matches(e.tree, ':resulttype (\d+)', 'g') m
    JOIN pg_constraint k ON k.contypid = m[1]::oid,
    regexp_matches(k.conbin::text, ':(?:funcid|opfuncid) (\d+)', 'g') f
    WHERE e.tree LIKE '%{COERCETODOMAIN %'
), judged AS (
    SELECT c.classid, c.objid, p.oid, l.lanname NOT IN ('c', 'internal') AS with_body, p.provolatile <> 'i' AS unsteady,
           p.prosrc IN ('now', 'statement_timestamp', 'clock_timestamp', 'timeofday', 'current_user', 'session_user',
                        'show_config_by_name', 'show_config_by_name_missing_ok', 'inet_client_addr', 'pg_backend_pid',
                        'drandom', 'gen_random_uuid') AND l.lanname IN ('c', 'internal') AS clock
    FROM called c JOIN pg_proc p ON p.oid = c.routine JOIN pg_language l ON l.oid = p.prolang
    WHERE l.lanname NOT IN ('c', 'internal') OR p.provolatile <> 'i'
), reached (routine, called) AS (
    SELECT DISTINCT oid, oid FROM judged WHERE with_body
    UNION
    -- What a body calls, as far as its text or the catalogue says.
    SELECT r.routine, q.oid
    FROM reached r JOIN pg_proc p ON p.oid = r.called
    JOIN pg_proc q ON q.pronamespace IN (SELECT oid FROM ns) AND (
        position(q.proname || '(' IN p.prosrc) > 0
            AND p.prosrc ~ ('\m' || regexp_replace(q.proname, '\W', '\\\&', 'g') || '\(')
        OR EXISTS (SELECT FROM pg_depend d
                   WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                     AND d.refclassid = 'pg_proc'::regclass AND d.refobjid = q.oid))
), said (routine, body) AS (
    -- Without comments; a pattern of both at once would take what stands between two of them.
    SELECT r.routine, regexp_replace(regexp_replace(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc),
                                                    '--[^\n]*', ' ', 'g'), '/\*.*?\*/', ' ', 'g')
    FROM reached r JOIN pg_proc p ON p.oid = r.called
), timed (routine) AS (
    SELECT DISTINCT routine FROM said
    WHERE body ~* '\m(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\('
       OR body ~* '\m(current_setting|inet_client_addr|pg_backend_pid|random|gen_random_uuid)\s*\('
       OR body ~* '\m(current_(date|time|timestamp|user|role)|localtime(stamp)?|session_user)\M'
), reading (routine) AS (
    SELECT DISTINCT routine FROM said WHERE body ~* '\mfrom\M'
), steps (part, type, container) AS (
    SELECT typbasetype, oid, false FROM pg_type WHERE typtype = 'd'
    UNION ALL
    SELECT oid, typarray, true FROM pg_type WHERE typarray <> 0
    UNION ALL
    SELECT rngsubtype, rngtypid, true FROM pg_range
    UNION ALL
    SELECT rngtypid, rngmultitypid, true FROM pg_range
    UNION ALL
    SELECT a.atttypid, c.reltype, true FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.reltype <> 0
), held (domain, type, within) AS (
    SELECT DISTINCT k.contypid, k.contypid, false
    FROM expressions e JOIN pg_constraint k ON e.classid = 'pg_constraint'::regclass AND k.oid = e.objid
    WHERE k.contypid <> 0
    UNION
    SELECT h.domain, s.type, h.within OR s.container FROM held h JOIN steps s ON s.part = h.type
), contained (domain) AS (
    SELECT DISTINCT h.domain
    FROM held h JOIN pg_attribute a ON a.atttypid = h.type AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'm', 'p')
    WHERE h.within
)
SELECT e.classid::oid, e.objid,
       coalesce(array_agg(DISTINCT j.oid) FILTER (WHERE j.with_body), '{}'),
       e.tree LIKE '%{SQLVALUEFUNCTION %' OR coalesce(bool_or(j.unsteady AND NOT j.with_body), false),
       e.tree LIKE '%{SQLVALUEFUNCTION %' OR coalesce(bool_or(j.clock OR j.oid IN (SELECT routine FROM timed)), false),
       e.tree LIKE '%{SQLVALUEFUNCTION %'
           OR coalesce(bool_or(j.unsteady OR j.oid IN (SELECT routine FROM timed UNION ALL SELECT routine FROM reading)), false),
       coalesce(NOT k.conislocal, false),
       coalesce(k.contypid IN (SELECT domain FROM contained), false)
FROM expressions e LEFT JOIN judged j ON (j.classid, j.objid) = (e.classid, e.objid)
LEFT JOIN pg_constraint k ON e.classid = 'pg_constraint'::regclass AND k.oid = e.objid
GROUP BY e.classid, e.objid, e.tree, k.conislocal, k.contypid
HAVING count(j.oid) > 0 OR e.tree LIKE '%{SQLVALUEFUNCTION %'
ORDER BY 1, 2
