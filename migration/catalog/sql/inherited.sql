-- Inherited columns that are not what CREATE TABLE ... INHERITS makes of them, and of which pg_dump says nothing or
-- something else: no default where an ancestor has one (pg_dump gives it DEFAULT NULL, which is another thing in a domain
-- with a default), the type's storage or the server's compression where an ancestor has its own. OID of the table, what
-- makes them so. Partitions are created on their own and attached.
WITH RECURSIVE ancestors (child, parent) AS (
    SELECT inhrelid, inhparent FROM pg_inherits
    UNION
    SELECT a.child, h.inhparent FROM ancestors a JOIN pg_inherits h ON h.inhrelid = a.parent
)
SELECT c.oid, format('ALTER TABLE ONLY %I.%I %s', n.nspname, c.relname, string_agg(todo.what, ', ' ORDER BY a.attnum))
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attinhcount > 0
JOIN pg_type t ON t.oid = a.atttypid
CROSS JOIN LATERAL (
    SELECT bool_or(p.atthasdef AND p.attgenerated = '') AS has_default, bool_or(p.attstorage <> a.attstorage) AS stored,
           bool_or(p.attcompression <> '') AS compressed
    FROM ancestors h JOIN pg_attribute p ON p.attrelid = h.parent AND p.attname = a.attname AND NOT p.attisdropped
    WHERE h.child = c.oid
) above
CROSS JOIN LATERAL (
    SELECT format('ALTER COLUMN %I DROP DEFAULT', a.attname)
    WHERE above.has_default AND NOT a.atthasdef AND a.attidentity = ''
    UNION ALL
    SELECT format('ALTER COLUMN %I SET STORAGE %s', a.attname,
                  CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END)
    WHERE above.stored AND a.attstorage = t.typstorage
    UNION ALL
    SELECT format('ALTER COLUMN %I SET COMPRESSION default', a.attname)
    WHERE above.compressed AND a.attcompression = ''
) todo (what)
WHERE c.relkind IN ('r', 'f') AND NOT c.relispartition AND c.oid >= 16384
GROUP BY c.oid, n.nspname, c.relname
ORDER BY c.oid
