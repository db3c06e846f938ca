-- What of the database depends on its locale, where no COLLATE says otherwise: (class, OID), aspect, what by.
-- aspect: "case" (large and small letters), "class" (what is a letter, a digit, a space), "search" (words of a text
-- search), "order" (what comes first), "text" (a column that statements could do any of this with). Stored
-- expressions are read as PostgreSQL stores them: a function's number, and the collation that it is given.
WITH RECURSIVE functions (oid, aspect, what) AS (
    SELECT p.oid, known.aspect, known.what
    FROM (
        VALUES
        ('case', '^(lower|upper|casefold|initcap)$', NULL),
        ('class', '^initcap$', NULL),
        ('case', '^(text|name|bpchar)ic(n?like|regexeq|regexne)$', 'ILIKE or ~*'),
        ('class', '^((text|name|bpchar)(ic)?regex(eq|ne)|regexp_.*|textregexsubstr)$', 'a regular expression'),
        ('search', '^((json|jsonb)?_?to_tsvector|(plain|phrase|websearch_)?to_tsquery|ts_(headline|parse|debug|lexize))$',
         NULL),
        ('search', '^(ts_match_(tt|tq)|tsvector_update_trigger.*)$', 'text search'),
        ('order', '^(text|bpchar)_?(lt|le|gt|ge|larger|smaller|cmp)$|^(btarraycmp|array_(lt|le|gt|ge|larger|smaller))$', 'an order of text')
    ) AS known (aspect, pattern, what)
    JOIN pg_proc p ON p.proname ~ known.pattern OR p.prosrc ~ known.pattern
    WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind IN ('f', 'w')
    UNION ALL
    SELECT a.aggfnoid, 'order', p.proname || ' of text'
    FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid
    WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname IN ('min', 'max')
), brought (oid, aspect, what) AS (
    -- By extensions whose own code asks the database's locale.
    SELECT d.objid, known.aspect, e.extname
    FROM (VALUES ('citext', 'case'), ('citext', 'order'), ('pg_trgm', 'case'), ('pg_trgm', 'search'), ('ltree', 'search'))
        AS known (extension, aspect)
    JOIN pg_extension e ON e.extname = known.extension
    JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
    WHERE d.classid IN ('pg_proc'::regclass, 'pg_type'::regclass)
), called (kind, oid, aspect, what) AS (
    SELECT 'f', f.oid, f.aspect, coalesce(f.what, p.proname) FROM functions f JOIN pg_proc p ON p.oid = f.oid
    UNION ALL
    SELECT 'f', b.oid, b.aspect, b.what FROM brought b
    UNION ALL
    SELECT 'o', o.oid, f.aspect, coalesce(f.what, o.oprname) FROM pg_operator o JOIN functions f ON f.oid = o.oprcode
    UNION ALL
    SELECT 'o', o.oid, b.aspect, b.what FROM pg_operator o JOIN brought b ON b.oid = o.oprcode
), trees (classid, objid, tree) AS (
    SELECT 'pg_attrdef'::regclass::oid, oid, adbin::text FROM pg_attrdef
    UNION ALL SELECT 'pg_constraint'::regclass, oid, conbin::text FROM pg_constraint
    UNION ALL SELECT 'pg_class'::regclass, indexrelid, concat(indexprs::text, indpred::text) FROM pg_index
    UNION ALL SELECT 'pg_class'::regclass, partrelid, partexprs::text FROM pg_partitioned_table
    UNION ALL SELECT 'pg_rewrite'::regclass, oid, concat(ev_action::text, ev_qual::text) FROM pg_rewrite
    UNION ALL SELECT 'pg_policy'::regclass, oid, concat(polqual::text, polwithcheck::text) FROM pg_policy
    UNION ALL SELECT 'pg_trigger'::regclass, oid, tgqual::text FROM pg_trigger
    UNION ALL SELECT 'pg_proc'::regclass, oid, concat(prosqlbody::text, proargdefaults::text) FROM pg_proc
), nodes (classid, objid, kind, number, sorting) AS (
    SELECT t.classid, t.objid, CASE WHEN m[1] IN ('funcid', 'aggfnoid', 'winfnoid') THEN 'f' ELSE 'o' END,
           m[2]::oid, m[3]::oid
    FROM trees t
    CROSS JOIN LATERAL regexp_matches(
        t.tree, '\{[A-Z]+ :(funcid|opno|aggfnoid|winfnoid) ([0-9]+) [^{}]*:inputcollid ([0-9]+)', 'g') m
    WHERE t.objid >= 16384
), minmax (classid, objid) AS (
    SELECT t.classid, t.objid FROM trees t
    WHERE t.objid >= 16384 AND t.tree ~ '\{MINMAXEXPR [^{}]*:inputcollid 100 '
), textual (oid) AS (
    SELECT oid FROM pg_type WHERE typcollation = 100 OR oid IN ('json'::regtype, 'jsonb'::regtype, 'xml'::regtype)
    UNION
    SELECT d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname IN ('hstore', 'ltree')
    WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_type'::regclass AND d.deptype = 'e'
    UNION
    SELECT whole FROM textual JOIN (
        SELECT oid, typbasetype FROM pg_type WHERE typtype = 'd'
        UNION ALL SELECT typarray, oid FROM pg_type WHERE typarray <> 0
        UNION ALL SELECT rngtypid, rngsubtype FROM pg_range WHERE rngcollation IN (0, 100)
        UNION ALL SELECT t.oid, a.atttypid FROM pg_type t
        JOIN pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped WHERE t.typtype = 'c'
    ) part (whole, part) ON part.part = textual.oid
)
SELECT DISTINCT n.classid, n.objid, c.aspect, c.what
FROM nodes n JOIN called c ON c.kind = n.kind AND c.oid = n.number
-- Text search and ltree ask the locale without a collation.
WHERE n.sorting = 100 OR n.sorting = 0 AND (c.aspect = 'search' OR c.what = 'ltree')
UNION
SELECT classid, objid, 'order', 'greatest or least of text' FROM minmax
UNION
SELECT 'pg_class'::regclass, partrelid, 'order', 'partitions by a range of text'
FROM pg_partitioned_table WHERE partstrat = 'r' AND 100 = ANY (partcollation::oid[])
UNION
SELECT 'pg_type'::regclass, rngtypid, 'order', 'a range of text' FROM pg_range WHERE rngcollation = 100 AND rngtypid >= 16384
UNION
SELECT 'pg_class'::regclass, a.attrelid, b.aspect, format('%I of type %s', a.attname, b.what)
FROM pg_attribute a JOIN brought b ON b.oid = a.atttypid JOIN pg_class c ON c.oid = a.attrelid
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'm') AND c.oid >= 16384
  AND (a.attcollation = 100 OR b.what = 'ltree')
UNION
SELECT 'pg_class'::regclass, min(c.oid::text)::oid, 'text', min(format('%I', a.attname))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN textual t ON t.oid = a.atttypid
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'm') AND c.oid >= 16384
  AND a.attcollation IN (0, 100)
GROUP BY c.oid
ORDER BY 1, 2, 3, 4
