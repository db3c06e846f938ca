-- Columns of every table, in order. binary: whether a value's binary form means the same in another
-- database. It does not where it holds OIDs that differ there: reg* types, and arrays of, or composites
-- with, types that did not come with the server (array_recv and record_recv compare type OIDs); nor where
-- the type has no send or receive function. comparable: whether two values can be compared, which is what
-- the default operator class says; those of arrays, composites and ranges ask their parts' (typcache.c).
WITH RECURSIVE parts (whole, part) AS (
    SELECT t.oid, t.typbasetype FROM pg_type t WHERE t.typbasetype <> 0
    UNION ALL
    SELECT e.typarray, e.oid FROM pg_type e WHERE e.typarray <> 0
    UNION ALL
    SELECT rngtypid, rngsubtype FROM pg_range
    UNION ALL
    SELECT rngmultitypid, rngtypid FROM pg_range
    UNION ALL
    SELECT t.oid, a.atttypid
    FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE t.typtype = 'c' AND t.oid >= 16384
), text_only (oid) AS (
    SELECT oid FROM pg_type
    WHERE typsend = 0 OR typreceive = 0
       OR oid IN ('regproc'::regtype, 'regprocedure'::regtype, 'regoper'::regtype, 'regoperator'::regtype,
                  'regclass'::regtype, 'regtype'::regtype, 'regrole'::regtype, 'regnamespace'::regtype,
                  'regconfig'::regtype, 'regdictionary'::regtype, 'regcollation'::regtype)
    UNION
    SELECT p.whole FROM parts p JOIN pg_type t ON t.oid = p.whole
    WHERE p.part >= 16384 AND (t.typtype = 'c' OR t.typcategory = 'A')
    UNION
    SELECT p.whole FROM text_only o JOIN parts p ON p.part = o.oid
), without_equality (oid) AS (
    SELECT t.oid FROM pg_type t
    WHERE t.typtype = 'b' AND NOT (t.typelem <> 0 AND t.typlen = -1)
      AND NOT EXISTS (
          SELECT FROM pg_opclass oc JOIN pg_am m ON m.oid = oc.opcmethod
          WHERE oc.opcdefault AND m.amname IN ('btree', 'hash')
            AND (oc.opcintype = t.oid
                 OR EXISTS (SELECT FROM pg_cast x WHERE x.castsource = t.oid AND x.casttarget = oc.opcintype
                            AND x.castmethod = 'b')))
    UNION
    SELECT p.whole FROM without_equality o JOIN parts p ON p.part = o.oid
)
SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), a.atttypid, a.attnotnull,
       a.attgenerated::text, a.attidentity::text,
       CASE WHEN a.attcollation <> t.typcollation THEN format('%I.%I', cn.nspname, co.collname) END,
       o.oid IS NULL, CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation ELSE 0 END,
       NOT EXISTS (SELECT FROM without_equality w WHERE w.oid = a.atttypid),
       t.typname = 'oid' AND t.oid = 'oid'::regtype OR t.typname = 'lo' AND t.typtype = 'd'
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN text_only o ON o.oid = a.atttypid
LEFT JOIN pg_collation co ON co.oid = a.attcollation
LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND n.nspname !~ '^pg_(toast_)?temp_'
ORDER BY a.attrelid, a.attnum
