-- Every table with its size and the key that tells its rows apart, one row each. The key is the primary key,
-- else the index of its replica identity, else the narrowest unique index that is immediate, complete
-- (neither partial nor over expressions) and free of NULLs. Generated columns are in none: they are not
-- published, so that they name no row. key_operators: with which the index finds a value, as schema and name.
WITH RECURSIVE hashed (relid, typid) AS (
    -- The types that hash partitions are cut by: of columns, and all that an expression names.
    SELECT pt.partrelid, a.atttypid
    FROM pg_partitioned_table pt CROSS JOIN unnest(pt.partattrs::int2[]) k
    JOIN pg_attribute a ON a.attrelid = pt.partrelid AND a.attnum = k
    WHERE pt.partstrat = 'h'
    UNION
    SELECT pt.partrelid, t.oid
    FROM pg_partitioned_table pt
    CROSS JOIN regexp_matches(pt.partexprs::text, ':[a-z_]*type[a-z]* ([0-9]+)', 'g') m
    JOIN pg_type t ON t.oid = m[1]::oid
    WHERE pt.partstrat = 'h'
      AND EXISTS (SELECT FROM pg_opclass oc
                  WHERE oc.oid = ANY (pt.partclass::oid[])
                    AND oc.opcintype IN ('anyenum'::regtype, 'anyarray'::regtype, 'anyrange'::regtype,
                                         'anymultirange'::regtype, 'record'::regtype))
    UNION
    SELECT h.relid, held.typid
    FROM hashed h JOIN pg_type t ON t.oid = h.typid
    CROSS JOIN LATERAL (
        SELECT t.typelem WHERE t.typelem <> 0
        UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0
        UNION ALL SELECT a.atttypid FROM pg_attribute a
                  WHERE t.typrelid <> 0 AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
    ) held (typid)
)
SELECT c.oid, n.nspname, c.relname,
       CASE WHEN c.relkind = 'p' THEN 'partitioned' WHEN c.relkind = 'f' THEN 'foreign'
            WHEN c.relispartition THEN 'partition' ELSE 'table' END,
       CASE WHEN c.relkind = 'r' THEN pg_table_size(c.oid) ELSE 0 END,
       CASE WHEN c.relkind = 'r' THEN pg_relation_size(c.oid) / current_setting('block_size')::int ELSE 0 END,
       CASE WHEN c.relkind = 'r' THEN pg_indexes_size(c.oid) ELSE 0 END,
       c.reltuples::bigint, c.relpages, c.relpersistence = 'u', c.relrowsecurity, c.relreplident::text,
       pn.nspname, pc.relname,
       k.columns, k.types, k.operators, k.index_name, k.is_primary, i.relname,
       EXISTS (SELECT FROM pg_index p JOIN pg_attribute g ON g.attrelid = p.indrelid
               WHERE p.indrelid = c.oid AND p.indisprimary AND g.attgenerated <> ''
                 AND g.attnum = ANY ((p.indkey::int2[])[0:p.indnkeyatts - 1])),
       -- An enum's hash is that of its labels' OIDs (hashenum), and so is that of what holds it.
       EXISTS (SELECT FROM hashed h JOIN pg_type t ON t.oid = h.typid WHERE h.relid = c.oid AND t.typtype = 'e')
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_inherits h ON h.inhrelid = c.oid AND c.relispartition
LEFT JOIN pg_class pc ON pc.oid = h.inhparent
LEFT JOIN pg_namespace pn ON pn.oid = pc.relnamespace
LEFT JOIN pg_index ri ON ri.indrelid = c.oid AND ri.indisreplident
     AND NOT EXISTS (SELECT FROM pg_attribute g WHERE g.attrelid = c.oid AND g.attgenerated <> ''
                     AND g.attnum = ANY ((ri.indkey::int2[])[0:ri.indnkeyatts - 1]))
LEFT JOIN pg_class i ON i.oid = ri.indexrelid
LEFT JOIN LATERAL (
    SELECT x.indisprimary AS is_primary, xc.relname AS index_name, a.columns, a.types, a.operators
    FROM pg_index x
    JOIN pg_class xc ON xc.oid = x.indexrelid
    CROSS JOIN LATERAL (
        SELECT array_agg(t.attname::text ORDER BY u.ordinality) AS columns,
               array_agg(format_type(b.oid, -1) ORDER BY u.ordinality) AS types,
               array_agg(ARRAY[opn.nspname, op.oprname]::text[] ORDER BY u.ordinality) AS operators,
               bool_and(t.attnotnull) AS complete, bool_or(t.attgenerated <> '') AS generated
        FROM unnest(x.indkey::int2[], x.indclass::oid[]) WITH ORDINALITY u (attnum, opclass, ordinality)
        JOIN pg_attribute t ON t.attrelid = x.indrelid AND t.attnum = u.attnum
        JOIN pg_opclass oc ON oc.oid = u.opclass
        JOIN pg_amop am ON am.amopfamily = oc.opcfamily AND am.amopstrategy = 3
             AND am.amoplefttype = oc.opcintype AND am.amoprighttype = oc.opcintype
        JOIN pg_operator op ON op.oid = am.amopopr
        JOIN pg_namespace opn ON opn.oid = op.oprnamespace
        CROSS JOIN LATERAL (
            -- A domain's values are compared as those of its base type.
            WITH RECURSIVE base (oid) AS (
                SELECT t.atttypid
                UNION
                SELECT d.typbasetype FROM base JOIN pg_type d ON d.oid = base.oid WHERE d.typbasetype <> 0
            )
            SELECT base.oid FROM base JOIN pg_type d ON d.oid = base.oid WHERE d.typbasetype = 0
        ) b
        WHERE u.ordinality <= x.indnkeyatts
    ) a
    WHERE x.indrelid = c.oid AND x.indisunique AND x.indimmediate AND x.indisvalid
      AND x.indpred IS NULL AND x.indexprs IS NULL AND (x.indisprimary OR a.complete) AND NOT a.generated
    ORDER BY x.indisprimary DESC, x.indisreplident DESC, x.indnkeyatts, xc.relname
    LIMIT 1
) k ON true
WHERE c.relkind IN ('r', 'p', 'f')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'waqiti_migration', 'waqiti_ddl')
  AND n.nspname !~ '^pg_(toast_)?temp_'
ORDER BY c.oid
