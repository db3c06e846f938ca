-- Statements that make, on the other side, what a relation of this one has more than was noted of it.

CREATE OR REPLACE FUNCTION waqiti_migration.carried_column(relation oid, attnum int2, with_default bool) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, MDY' SET intervalstyle = 'postgres' SET timezone = 'UTC' SET bytea_output = 'hex'
BEGIN ATOMIC
    SELECT concat(
        quote_ident(a.attname), ' ', format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attcollation NOT IN (0, t.typcollation) THEN
            (SELECT format(' COLLATE %I.%I', cn.nspname, k.collname)
             FROM pg_collation k JOIN pg_namespace cn ON cn.oid = k.collnamespace WHERE k.oid = a.attcollation) END,
        CASE a.attgenerated WHEN 's' THEN format(' GENERATED ALWAYS AS (%s) STORED', pg_get_expr(d.adbin, d.adrelid))
                            WHEN 'v' THEN format(' GENERATED ALWAYS AS (%s) VIRTUAL', pg_get_expr(d.adbin, d.adrelid)) END,
        -- A partition has its parent's.
        CASE WHEN a.attidentity <> '' AND NOT (SELECT c.relispartition FROM pg_class c WHERE c.oid = a.attrelid) THEN
            (SELECT format(' GENERATED %s AS IDENTITY (SEQUENCE NAME %I.%I INCREMENT %s MINVALUE %s MAXVALUE %s START %s CACHE %s%s)',
                           CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END, sn.nspname, sc.relname,
                           s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache, CASE WHEN s.seqcycle THEN ' CYCLE' END)
             FROM pg_depend o
             JOIN pg_sequence s ON s.seqrelid = o.objid
             JOIN pg_class sc ON sc.oid = s.seqrelid
             JOIN pg_namespace sn ON sn.oid = sc.relnamespace
             WHERE o.classid = 'pg_class'::regclass AND o.refclassid = 'pg_class'::regclass
               AND o.refobjid = a.attrelid AND o.refobjsubid = a.attnum AND o.deptype = 'i') END,
        CASE WHEN a.attgenerated = '' AND with_default AND d.adbin IS NOT NULL THEN
            ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid)
             -- What rows that were there have in it: a default that is the transaction's time is another elsewhere.
             WHEN NOT with_default AND a.atthasmissing THEN
            format(' DEFAULT %L::%s', (a.attmissingval::text::text[])[1], format_type(a.atttypid, a.atttypmod)) END,
        CASE WHEN a.attnotnull THEN ' NOT NULL' END)
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = carried_column.relation AND a.attnum = carried_column.attnum;
END;

-- Of these names that are to be made: (rank, statement), to be run in their order. `before` is what was noted.
CREATE OR REPLACE FUNCTION waqiti_migration.carried_statements(relation oid, before text[])
RETURNS TABLE (rank int, statement text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, MDY' SET intervalstyle = 'postgres' SET timezone = 'UTC' SET bytea_output = 'hex'
BEGIN ATOMIC
    WITH it AS (
        SELECT c.oid, c.relkind, format('%I.%I', n.nspname, c.relname) AS name, c.reloptions,
               n.nspname, cardinality(before) = 0 AS made,
               -- Not what inherits otherwise, and goes on to.
               EXISTS (SELECT FROM unnest(before) AS line
                       WHERE line LIKE 'parent|%' AND NOT c.relispartition
                         AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = c.oid)) AS detached
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = carried_statements.relation
    ), added AS (
        SELECT line, split_part(line, '|', 1) AS kind, split_part(line, '|', 2) AS key
        FROM waqiti_migration.definition_of(carried_statements.relation) AS line
        WHERE line <> ALL (before)
    )
    SELECT 1, format('CREATE SEQUENCE %s AS %s INCREMENT %s MINVALUE %s MAXVALUE %s START %s CACHE %s%s', it.name,
                     format_type(s.seqtypid, NULL), s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache,
                     CASE WHEN s.seqcycle THEN ' CYCLE' END)
    FROM it JOIN pg_sequence s ON s.seqrelid = it.oid
    WHERE it.made
      AND NOT EXISTS (SELECT FROM pg_depend o WHERE o.objid = it.oid AND o.classid = 'pg_class'::regclass AND o.deptype = 'i')
    UNION ALL
    SELECT 0, format('ALTER TABLE %s DETACH PARTITION %s', split_part(line, '|', 2)::oid::regclass, it.name)
    FROM it, unnest(before) AS line
    WHERE it.detached AND line LIKE 'parent|%'
    UNION ALL
    SELECT 2, format('CREATE TABLE %s (%s)%s%s', it.name,
                     (SELECT string_agg(waqiti_migration.carried_column(it.oid, a.attnum, true), ', ' ORDER BY a.attnum)
                      FROM pg_attribute a WHERE a.attrelid = it.oid AND a.attnum > 0 AND NOT a.attisdropped),
                     CASE WHEN it.relkind = 'p' THEN ' PARTITION BY ' || pg_get_partkeydef(it.oid) END,
                     ' WITH (' || array_to_string(it.reloptions, ', ') || ')')
    FROM it WHERE it.made AND it.relkind IN ('r', 'p')
    UNION ALL
    SELECT 3, format('ALTER TABLE %s ALTER COLUMN %I SET %s', it.name, a.attname, s.said)
    FROM it
    JOIN pg_attribute a ON a.attrelid = it.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    CROSS JOIN LATERAL (VALUES
        (CASE WHEN a.attstorage <> t.typstorage THEN 'STORAGE ' || CASE a.attstorage
            WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END),
        (CASE a.attcompression WHEN 'p' THEN 'COMPRESSION pglz' WHEN 'l' THEN 'COMPRESSION lz4' END)) AS s (said)
    WHERE it.made AND it.relkind IN ('r', 'p') AND s.said IS NOT NULL
    UNION ALL
    SELECT 8, format('ALTER TABLE %s ATTACH PARTITION %s %s', h.inhparent::regclass, it.name,
                     pg_get_expr(c.relpartbound, c.oid))
    FROM it, added
    JOIN pg_inherits h ON h.inhrelid = carried_statements.relation
    JOIN pg_class c ON c.oid = h.inhrelid AND c.relispartition
    WHERE added.kind = 'parent'
    UNION ALL
    SELECT 3, format('ALTER TABLE %s ADD COLUMN %s', it.name, waqiti_migration.carried_column(it.oid, added.key::int2, false))
    FROM it, added
    WHERE NOT it.made AND added.kind = 'column'
      AND NOT EXISTS (SELECT FROM unnest(before) AS old WHERE starts_with(old, 'column|' || added.key || '|'))
    UNION ALL
    SELECT 4, format('ALTER TABLE %s ALTER COLUMN %I %s', it.name, a.attname,
                     coalesce('SET DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), 'DROP DEFAULT'))
    FROM it, added
    JOIN pg_attribute a ON a.attrelid = carried_statements.relation AND a.attnum = added.key::int2
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE NOT it.made AND added.kind = 'column' AND (d.oid IS NOT NULL OR a.atthasmissing)
      AND NOT EXISTS (SELECT FROM unnest(before) AS old WHERE starts_with(old, 'column|' || added.key || '|'))
    UNION ALL
    SELECT 4, format('ALTER TABLE %s ALTER COLUMN %I %s', it.name, a.attname,
                     coalesce('SET DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), 'DROP DEFAULT'))
    FROM it
    JOIN pg_attribute a ON a.attrelid = it.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE NOT it.made
      AND EXISTS (SELECT FROM unnest(before) AS old WHERE starts_with(old, 'column|' || a.attnum || '|'))
      AND (EXISTS (SELECT FROM added WHERE added.kind = 'default' AND added.key = a.attnum::text)
           OR d.oid IS NULL AND EXISTS (SELECT FROM unnest(before) AS old WHERE starts_with(old, 'default|' || a.attnum || '|')))
    UNION ALL
    -- Of a table that is new, as that of its columns which become a primary key.
    SELECT 4, format('ALTER TABLE %s ALTER COLUMN %I %s NOT NULL', it.name, a.attname,
                     CASE WHEN a.attnotnull THEN 'SET' ELSE 'DROP' END)
    FROM it, added
    JOIN pg_attribute a ON a.attrelid = carried_statements.relation AND a.attnum = added.key::int2 AND NOT a.attisdropped
    JOIN LATERAL unnest(before) AS old ON starts_with(old, 'column|' || added.key || '|')
    WHERE added.kind = 'column' AND (substr(old, 9 + length(added.key))::jsonb ->> 'attnotnull')::boolean <> a.attnotnull
    UNION ALL
    SELECT CASE k.contype WHEN 'p' THEN 5 WHEN 'f' THEN 9 ELSE 6 END,
           format('ALTER TABLE %s ADD CONSTRAINT %I %s%s', it.name, k.conname,
                  regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', ''),
                  -- Validated by `take_over`: rows of a table that is new are not there yet.
                  CASE WHEN k.contype = 'f' THEN ' NOT VALID' END)
    FROM it, added
    JOIN pg_constraint k ON k.conrelid = carried_statements.relation AND k.conname = added.key AND k.contype <> 'n'
    WHERE added.kind = 'constraint' AND NOT (it.detached AND k.contype = 'f')
    UNION ALL
    SELECT 7, pg_get_indexdef(i.indexrelid)
    FROM it, added
    JOIN pg_index i ON i.indrelid = carried_statements.relation
    JOIN pg_class ic ON ic.oid = i.indexrelid AND ic.relname = added.key
    WHERE added.kind = 'index' AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
    UNION ALL
    SELECT 8, format('ALTER SEQUENCE %s OWNED BY %I.%I.%I', it.name, tn.nspname, tc.relname, a.attname)
    FROM it
    JOIN pg_depend o ON o.classid = 'pg_class'::regclass AND o.objid = it.oid AND o.refclassid = 'pg_class'::regclass
                    AND o.deptype = 'a' AND o.refobjsubid > 0
    JOIN pg_class tc ON tc.oid = o.refobjid
    JOIN pg_namespace tn ON tn.oid = tc.relnamespace
    JOIN pg_attribute a ON a.attrelid = o.refobjid AND a.attnum = o.refobjsubid
    WHERE it.made AND it.relkind = 'S'
    UNION ALL
    SELECT 10, CASE added.key WHEN '0'
                    THEN format('COMMENT ON %s %s IS %L', CASE it.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, it.name, d.description)
                    ELSE format('COMMENT ON COLUMN %s.%I IS %L', it.name, a.attname, d.description) END
    FROM it, added
    JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = carried_statements.relation AND d.objsubid = added.key::int
    LEFT JOIN pg_attribute a ON a.attrelid = d.objoid AND a.attnum = d.objsubid
    WHERE added.kind = 'comment';
END
