-- Every table with its size and the key that tells its rows apart, one row each. The key is the primary key,
-- else the index of its replica identity, else the narrowest unique index that is immediate, complete
-- (neither partial nor over expressions) and free of NULLs.
SELECT c.oid, n.nspname, c.relname,
       CASE WHEN c.relkind = 'p' THEN 'partitioned' WHEN c.relkind = 'f' THEN 'foreign'
            WHEN c.relispartition THEN 'partition' ELSE 'table' END,
       CASE WHEN c.relkind = 'r' THEN pg_table_size(c.oid) ELSE 0 END,
       CASE WHEN c.relkind = 'r' THEN pg_relation_size(c.oid) / current_setting('block_size')::int ELSE 0 END,
       CASE WHEN c.relkind = 'r' THEN pg_indexes_size(c.oid) ELSE 0 END,
       c.reltuples::bigint, c.relpages, c.relpersistence = 'u', c.relrowsecurity, c.relreplident::text,
       pn.nspname, pc.relname,
       k.columns, k.index_name, k.is_primary, i.relname,
       -- An enum's hash is that of its labels' OIDs (hashenum).
       EXISTS (SELECT FROM pg_partitioned_table pt JOIN pg_opclass oc ON oc.oid = ANY (pt.partclass)
               WHERE pt.partrelid = c.oid AND pt.partstrat = 'h' AND oc.opcintype = 'anyenum'::regtype)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_inherits h ON h.inhrelid = c.oid AND c.relispartition
LEFT JOIN pg_class pc ON pc.oid = h.inhparent
LEFT JOIN pg_namespace pn ON pn.oid = pc.relnamespace
LEFT JOIN pg_index ri ON ri.indrelid = c.oid AND ri.indisreplident
LEFT JOIN pg_class i ON i.oid = ri.indexrelid
LEFT JOIN LATERAL (
    SELECT x.indisprimary AS is_primary, xc.relname AS index_name, a.columns
    FROM pg_index x
    JOIN pg_class xc ON xc.oid = x.indexrelid
    CROSS JOIN LATERAL (
        SELECT array_agg(t.attname::text ORDER BY u.ordinality) AS columns, bool_and(t.attnotnull) AS complete
        FROM unnest(x.indkey::int2[]) WITH ORDINALITY u (attnum, ordinality)
        JOIN pg_attribute t ON t.attrelid = x.indrelid AND t.attnum = u.attnum
        WHERE u.ordinality <= x.indnkeyatts
    ) a
    WHERE x.indrelid = c.oid AND x.indisunique AND x.indimmediate AND x.indisvalid
      AND x.indpred IS NULL AND x.indexprs IS NULL AND (x.indisprimary OR a.complete)
    ORDER BY x.indisprimary DESC, x.indisreplident DESC, x.indnkeyatts, xc.relname
    LIMIT 1
) k ON true
WHERE c.relkind IN ('r', 'p', 'f')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'waqiti_migration')
  AND n.nspname !~ '^pg_(toast_)?temp_'
ORDER BY c.oid
