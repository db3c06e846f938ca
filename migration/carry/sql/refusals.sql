-- A line of a relation's definition without what attaching and detaching a partition change of it, and, of a
-- table that was made since the move began, without owner and rights, which the other side has of its own, and
-- without NOT NULL, which is carried over by itself.
CREATE OR REPLACE FUNCTION waqiti_migration.but_for_its_place(line text, relation oid) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE split_part(line, '|', 1)
        WHEN 'relation' THEN 'relation|' || (substr(line, 10)::jsonb - ARRAY['relispartition', 'relpartbound']
            - CASE WHEN EXISTS (SELECT FROM waqiti_migration.definitions b
                                WHERE b.relation = but_for_its_place.relation AND b.made AND b.line LIKE 'relation|%')
                   THEN ARRAY['relowner', 'relacl'] ELSE '{}' END)::text
        WHEN 'column' THEN format('column|%s|%s', split_part(line, '|', 2),
            (substr(line, 9 + length(split_part(line, '|', 2)))::jsonb
                - CASE WHEN EXISTS (SELECT FROM waqiti_migration.definitions b
                                    WHERE b.relation = but_for_its_place.relation AND b.made AND b.line LIKE 'relation|%')
                       THEN ARRAY['attacl', 'attnotnull'] ELSE '{}' END
                - CASE WHEN EXISTS (SELECT FROM pg_class c WHERE c.oid = but_for_its_place.relation AND c.relispartition)
                         OR EXISTS (SELECT FROM waqiti_migration.definitions b
                                    WHERE b.relation = but_for_its_place.relation AND b.line LIKE 'parent|%')
                       THEN ARRAY['attinhcount', 'attislocal', 'attidentity'] ELSE '{}' END)::text)
        ELSE line END;
END;

-- Whether a column's default may be another one from now on: rows that are replicated bring all their values, so
-- that it counts where new rows are made. Of a table with children it might become theirs, too.
CREATE OR REPLACE FUNCTION waqiti_migration.default_may_change(relation oid, attnum int2) RETURNS bool
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT EXISTS (
        SELECT FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE a.attrelid = default_may_change.relation AND a.attnum = default_may_change.attnum
          AND c.relkind = 'r' AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = '')
       AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = default_may_change.relation);
END;

-- Why a relation's change is not carried over; NULL: it is.
CREATE OR REPLACE FUNCTION waqiti_migration.not_carried(relation oid, schema_name text, before text[]) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $why$
DECLARE
    it record;
    now text[] := ARRAY(SELECT waqiti_migration.definition_of(relation));
    made bool := cardinality(before) = 0;
    found text;
    -- What attaching and detaching a partition change of it, and what an owner may do to a table that is new.
    ours text[] := ARRAY(SELECT waqiti_migration.but_for_its_place(line, relation) FROM unnest(now) AS line);
BEGIN
    SELECT c.*, n.nspname INTO it FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation;
    IF it.nspname <> schema_name THEN
        RETURN 'it leaves the schema';
    END IF;
    IF it.relkind NOT IN ('r', 'S', 'p')
       OR it.relkind = 'p' AND NOT made AND EXISTS (
           SELECT FROM unnest(now) AS line WHERE waqiti_migration.but_for_its_place(line, relation) <> ALL (
               SELECT waqiti_migration.but_for_its_place(old, relation) FROM unnest(before) AS old)
           AND split_part(line, '|', 1) NOT IN ('comment', 'parent')) THEN
        RETURN 'it is neither a plain table nor an index or sequence';
    END IF;
    SELECT line INTO found FROM unnest(before) AS line
    WHERE line <> ALL (now) AND split_part(line, '|', 1) NOT IN ('comment', 'crossing', 'parent')
      AND NOT (line LIKE 'default|%' AND waqiti_migration.default_may_change(relation, split_part(line, '|', 2)::int2))
      AND waqiti_migration.but_for_its_place(line, relation) <> ALL (ours) LIMIT 1;
    IF found IS NULL AND NOT it.relispartition THEN
        SELECT line INTO found FROM unnest(before) AS line WHERE line <> ALL (now) AND line LIKE 'parent|%'
          AND NOT EXISTS (SELECT FROM pg_class p WHERE p.oid::text = split_part(line, '|', 2) AND p.relkind = 'p') LIMIT 1;
    END IF;
    IF found IS NOT NULL THEN
        RETURN format('it changes what was there (%s)', CASE split_part(found, '|', 1)
            -- Its name as it was: a dropped one has none of its own any more.
            WHEN 'column' THEN CASE WHEN EXISTS (SELECT FROM pg_attribute a
                                                 WHERE a.attrelid = relation AND a.attisdropped
                                                   AND a.attnum = split_part(found, '|', 2)::int2)
                                    THEN 'it drops the column ' ELSE 'the column ' END
                || quote_ident(substr(found, 9 + length(split_part(found, '|', 2)))::jsonb ->> 'attname')
            WHEN 'relation' THEN 'name, owner, rights or options' WHEN 'sequence' THEN 'the sequence'
            WHEN 'default' THEN 'a default' ELSE replace(regexp_replace(found, '^(\w+\|[^|]*).*', '\1'), '|', ' ') END);
    END IF;
    IF made THEN
        IF it.relkind IN ('r', 'p') AND (it.relpersistence <> 'p' OR it.reloftype <> 0 OR it.reltablespace <> 0
                OR it.relrowsecurity OR it.relam NOT IN (0, (SELECT oid FROM pg_am WHERE amname = 'heap'))
                OR NOT it.relispartition AND EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = relation)) THEN
            RETURN 'it is no plain table (unlogged, child, of a type, tablespace, access method)';
        END IF;
    END IF;
    -- Each new line has to be of a kind that is carried.
    SELECT line INTO found FROM unnest(now) AS line
    WHERE waqiti_migration.but_for_its_place(line, relation) <> ALL (
              SELECT waqiti_migration.but_for_its_place(old, relation) FROM unnest(before) AS old)
      AND NOT (made AND split_part(line, '|', 1) IN ('relation', 'column', 'default', 'sequence'))
      AND NOT (it.relispartition AND split_part(line, '|', 1) = 'parent')
      AND split_part(line, '|', 1) NOT IN ('constraint', 'index', 'comment')
      AND NOT (line LIKE 'default|%' AND waqiti_migration.default_may_change(relation, split_part(line, '|', 2)::int2))
      AND NOT (split_part(line, '|', 1) IN ('column', 'default')
               AND NOT EXISTS (SELECT FROM unnest(before) AS old WHERE starts_with(old, 'column|' || split_part(line, '|', 2) || '|')))
    LIMIT 1;
    IF found IS NOT NULL THEN
        RETURN format('it adds a %s', CASE split_part(found, '|', 1) WHEN 'crossing' THEN 'foreign key to another schema'
            ELSE split_part(found, '|', 1) || ' to what was there' END);
    END IF;
    SELECT format('the column %I is %s', a.attname,
                  CASE WHEN a.attgenerated <> '' THEN 'generated' WHEN a.attidentity <> '' THEN 'an identity'
                       ELSE 'stored or compressed otherwise than its type' END) INTO found
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
      AND NOT EXISTS (SELECT FROM unnest(before) AS old WHERE starts_with(old, 'column|' || a.attnum || '|'))
      AND NOT made AND (a.attgenerated <> '' OR a.attidentity <> '' OR a.attstorage <> t.typstorage OR a.attcompression <> '')
    LIMIT 1;
    IF found IS NOT NULL THEN
        RETURN found;
    END IF;
    -- It is validated as it is applied, when a row that passed it here may not pass it any more.
    SELECT format('the check %I is decided by the clock or the session', k.conname) INTO found
    FROM pg_constraint k
    WHERE k.conrelid = relation AND k.contype = 'c' AND NOT made
      AND NOT EXISTS (SELECT FROM unnest(before) AS old WHERE starts_with(old, 'constraint|' || k.conname || '|'))
      AND NOT it.relispartition
      AND (k.conbin::text LIKE '%{SQLVALUEFUNCTION %'
           OR EXISTS (SELECT FROM regexp_matches(k.conbin::text, ':(?:funcid|opfuncid) (\d+)', 'g') AS m
                      JOIN pg_proc p ON p.oid = m[1]::oid WHERE p.provolatile <> 'i'))
    LIMIT 1;
    IF found IS NOT NULL THEN
        RETURN found;
    END IF;
    -- What it needs has to be on the other side: what PostgreSQL has, and what the schema has or used before.
    WITH parts AS (
        SELECT 'pg_class'::regclass AS classid, a.attrelid AS objid, a.attnum AS objsubid
        FROM pg_attribute a
        WHERE a.attrelid = relation AND a.attnum > 0
          AND NOT EXISTS (SELECT FROM unnest(before) AS old WHERE starts_with(old, 'column|' || a.attnum || '|'))
        UNION ALL
        SELECT 'pg_attrdef'::regclass, d.oid, 0 FROM pg_attrdef d
        WHERE d.adrelid = relation
          AND EXISTS (SELECT FROM unnest(now) AS line
                      WHERE starts_with(line, 'default|' || d.adnum || '|') AND line <> ALL (before))
        UNION ALL
        SELECT 'pg_constraint'::regclass, k.oid, 0 FROM pg_constraint k
        WHERE k.conrelid = relation
          AND NOT EXISTS (SELECT FROM unnest(before) AS old WHERE starts_with(old, 'constraint|' || k.conname || '|')
                                                               OR starts_with(old, 'crossing|' || k.conname || '|'))
        UNION ALL
        SELECT 'pg_class'::regclass, i.indexrelid, 0 FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
        WHERE i.indrelid = relation
          AND NOT EXISTS (SELECT FROM unnest(before) AS old WHERE starts_with(old, 'index|' || ic.relname || '|'))
    ), needed AS (
        SELECT DISTINCT d.refclassid, d.refobjid FROM parts JOIN pg_depend d USING (classid, objid, objsubid)
        WHERE d.refclassid IN ('pg_class'::regclass, 'pg_type'::regclass, 'pg_proc'::regclass, 'pg_operator'::regclass,
                               'pg_collation'::regclass, 'pg_opclass'::regclass, 'pg_ts_config'::regclass)
          AND (d.refclassid, d.refobjid) <> ('pg_class'::regclass, relation)
    ), used AS (
        SELECT d.refclassid, d.refobjid
        FROM waqiti_migration.definitions b
        JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = b.relation
                        AND d.objsubid = split_part(b.line, '|', 2)::int
        WHERE b.schema_name = not_carried.schema_name AND b.line LIKE 'column|%' AND NOT b.made
    ), had AS (
        SELECT e.refobjid AS extension
        FROM used JOIN pg_depend e ON (e.classid, e.objid, e.deptype) = (used.refclassid, used.refobjid, 'e')
    )
    SELECT pg_describe_object(needed.refclassid, needed.refobjid, 0) INTO found
    FROM needed
    WHERE coalesce((pg_identify_object(needed.refclassid, needed.refobjid, 0)).schema, '') NOT IN (schema_name, 'pg_catalog')
      AND NOT EXISTS (SELECT FROM used
                      WHERE (used.refclassid, used.refobjid) = (needed.refclassid, needed.refobjid)
                        AND needed.refclassid <> 'pg_class'::regclass)
      AND NOT EXISTS (SELECT FROM had JOIN pg_depend e ON e.refobjid = had.extension AND e.deptype = 'e'
                      WHERE (e.classid, e.objid) = (needed.refclassid, needed.refobjid))
    LIMIT 1;
    IF found IS NOT NULL THEN
        RETURN format('it needs %s, which the other side may not have', found);
    END IF;
    RETURN NULL;
END
$why$
