-- What types and columns need of a server's build and machine that no definition says: (class, OID), where, what
-- ("collation" of the server's own, "locale" of a libc collation of one's own, "compression", "xml"), its name.
WITH RECURSIVE holds_xml (oid) AS (
    SELECT 'xml'::regtype::oid
    UNION
    SELECT part.whole FROM holds_xml x JOIN (
        SELECT oid, typbasetype FROM pg_type WHERE typtype = 'd'
        UNION ALL SELECT typarray, oid FROM pg_type WHERE typarray <> 0
        UNION ALL SELECT t.oid, a.atttypid FROM pg_type t
        JOIN pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped WHERE t.typtype = 'c'
    ) part (whole, part) ON part.part = x.oid
), ours (classid, objid, place, sorting, usual) AS (
    SELECT 'pg_type'::regclass::oid, t.oid, t.oid::regtype::text, t.typcollation, b.typcollation
    FROM pg_type t JOIN pg_type b ON b.oid = t.typbasetype WHERE t.typtype = 'd'
    UNION ALL
    SELECT 'pg_type'::regclass, c.reltype, format('%s.%I', c.reltype::regtype, a.attname), a.attcollation, b.typcollation
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 JOIN pg_type b ON b.oid = a.atttypid
    WHERE c.relkind = 'c'
    UNION ALL
    SELECT 'pg_type'::regclass, r.rngtypid, r.rngtypid::regtype::text, r.rngcollation, b.typcollation
    FROM pg_range r JOIN pg_type b ON b.oid = r.rngsubtype
)
SELECT o.classid, o.objid, o.place, 'collation', k.collname::text
FROM ours o JOIN pg_collation k ON k.oid = o.sorting
WHERE o.objid >= 16384 AND o.sorting <> o.usual AND k.collnamespace = 'pg_catalog'::regnamespace
UNION ALL
SELECT 'pg_collation'::regclass, k.oid, k.oid::regcollation::text, 'locale', l.name
FROM pg_collation k CROSS JOIN LATERAL (SELECT k.collcollate UNION SELECT k.collctype) l (name)
WHERE k.oid >= 16384 AND k.collprovider = 'c'
UNION ALL
SELECT 'pg_class'::regclass, c.oid, format('%s.%I', c.oid::regclass, a.attname), need.what, need.name
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
CROSS JOIN LATERAL (
    SELECT 'compression', CASE a.attcompression WHEN 'p' THEN 'pglz' ELSE 'lz4' END WHERE a.attcompression <> ''
    UNION ALL
    SELECT 'xml', format_type(a.atttypid, a.atttypmod) WHERE a.atttypid IN (TABLE holds_xml)
) need (what, name)
WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'm')
ORDER BY 1, 2, 3, 4, 5
