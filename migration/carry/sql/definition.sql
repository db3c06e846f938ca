-- What a relation is, a line for each part; all that DDL can change of it, as the catalogues hold it.
CREATE OR REPLACE FUNCTION waqiti_migration.definition_of(relation oid) RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, MDY' SET intervalstyle = 'postgres' SET timezone = 'UTC' SET bytea_output = 'hex'
BEGIN ATOMIC
    SELECT 'relation|' || (to_jsonb(c) - ARRAY[
        'relpages', 'reltuples', 'relallvisible', 'relallfrozen', 'relfrozenxid', 'relminmxid', 'relfilenode',
        'reltoastrelid', 'relhasindex', 'relhasrules', 'relhastriggers', 'relhassubclass', 'relnatts', 'relchecks',
        'relrewrite', 'relispopulated', 'relreplident', 'reltype'])::text
    FROM pg_class c WHERE c.oid = definition_of.relation
    UNION ALL
    SELECT format('column|%s|%s', a.attnum, (to_jsonb(a) - ARRAY[
        'attmissingval', 'atthasmissing', 'attcacheoff', 'atthasdef'])::text)
    FROM pg_attribute a WHERE a.attrelid = definition_of.relation AND a.attnum > 0
    UNION ALL
    SELECT format('default|%s|%s', d.adnum, pg_get_expr(d.adbin, d.adrelid))
    FROM pg_attrdef d WHERE d.adrelid = definition_of.relation
    UNION ALL
    -- A cutover drops the keys that cross to another service.
    SELECT format('%s|%s|%s|%s',
                  CASE WHEN k.contype = 'f' AND r.relnamespace <> k.connamespace THEN 'crossing' ELSE 'constraint' END,
                  k.conname, k.contype, regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', ''))
    FROM pg_constraint k LEFT JOIN pg_class r ON r.oid = k.confrelid
    -- A partition's share of a key comes and goes with the partition, on either end of it.
    WHERE k.conrelid = definition_of.relation AND k.contype <> 't' AND NOT (k.contype = 'f' AND k.conparentid <> 0)
    UNION ALL
    SELECT format('index|%s|%s|%s', ic.relname, pg_get_indexdef(i.indexrelid), i.indisclustered)
    FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid WHERE i.indrelid = definition_of.relation
    UNION ALL
    SELECT format('trigger|%s|%s|%s', t.tgname, t.tgenabled, pg_get_triggerdef(t.oid))
    FROM pg_trigger t
    -- A partition's share of its parent's trigger, likewise, unless it was made to differ.
    WHERE t.tgrelid = definition_of.relation AND NOT t.tgisinternal AND NOT starts_with(t.tgname, 'waqiti_migration_')
      AND NOT EXISTS (SELECT FROM pg_trigger u WHERE u.oid = t.tgparentid AND u.tgenabled = t.tgenabled)
    UNION ALL
    SELECT format('policy|%s|%s', p.polname, (to_jsonb(p) - 'oid')::text)
    FROM pg_policy p WHERE p.polrelid = definition_of.relation
    UNION ALL
    SELECT format('rule|%s|%s', r.rulename, pg_get_ruledef(r.oid))
    FROM pg_rewrite r WHERE r.ev_class = definition_of.relation
    UNION ALL
    SELECT format('parent|%s', h.inhparent) FROM pg_inherits h WHERE h.inhrelid = definition_of.relation
    UNION ALL
    SELECT format('sequence|%s', (to_jsonb(s))::text) FROM pg_sequence s WHERE s.seqrelid = definition_of.relation
    UNION ALL
    SELECT format('comment|%s|%s', d.objsubid, d.description)
    FROM pg_description d
    WHERE d.classoid = 'pg_class'::regclass AND d.objoid = definition_of.relation;
END
