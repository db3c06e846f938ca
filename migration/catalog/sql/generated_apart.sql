-- Generated columns of tables whose parent has a plain one of the name: OID of the table, column, the parent, and what
-- makes it plain: PostgreSQL takes no expression from an inherited column.
SELECT c.oid, a.attname, h.inhparent::regclass::text,
       concat('BEGIN; ', CASE WHEN c.relispartition
           THEN format('ALTER TABLE %1$s DETACH PARTITION %2$s; ALTER TABLE %2$s ALTER COLUMN %3$I DROP EXPRESSION; '
                       'ALTER TABLE %1$s ATTACH PARTITION %2$s %4$s', h.inhparent::regclass, c.oid::regclass, a.attname,
                       pg_get_expr(c.relpartbound, c.oid))
           ELSE format('ALTER TABLE %2$s NO INHERIT %1$s; ALTER TABLE %2$s ALTER COLUMN %3$I DROP EXPRESSION; '
                       'ALTER TABLE %2$s INHERIT %1$s', h.inhparent::regclass, c.oid::regclass, a.attname)
           END, '; COMMIT')
FROM pg_inherits h
JOIN pg_class c ON c.oid = h.inhrelid AND c.relkind IN ('r', 'p', 'f')
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attgenerated <> '' AND NOT a.attisdropped
JOIN pg_attribute p ON p.attrelid = h.inhparent AND p.attname = a.attname AND p.attgenerated = '' AND NOT p.attisdropped
ORDER BY c.oid, a.attnum
