-- Columns that hold numbers which another database gives otherwise: reg* types, and identifiers of large objects inside
-- other types (arrays, composites, domains over any of these). One row for each place: table, column, its type, the type
-- that is there, an SQL expression for the values in that place.
WITH RECURSIVE places (attrelid, attnum, type, expression, deep) AS (
    SELECT a.attrelid, a.attnum, a.atttypid, quote_ident(a.attname), 0
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND n.nspname !~ '^pg_(toast_)?temp_'
    UNION ALL
    SELECT p.attrelid, p.attnum, s.type, s.expression, p.deep + 1
    FROM places p
    JOIN pg_type t ON t.oid = p.type
    CROSS JOIN LATERAL (
        -- A domain's own operators are its base type's.
        SELECT t.typbasetype, format('(%s)::%s', p.expression, format_type(t.typbasetype, t.typtypmod))
        WHERE t.typtype = 'd'
        UNION ALL
        SELECT t.typelem, format('pg_catalog.unnest(%s)', p.expression)
        WHERE t.typtype = 'b' AND t.typelem <> 0 AND t.typsubscript = 'array_subscript_handler'::regproc
        UNION ALL
        SELECT b.atttypid, format('(%s).%I', p.expression, b.attname)
        FROM pg_attribute b WHERE t.typtype = 'c' AND b.attrelid = t.typrelid AND b.attnum > 0 AND NOT b.attisdropped
    ) AS s (type, expression)
    WHERE p.deep < 20
)
SELECT p.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), format_type(p.type, NULL), p.expression
FROM places p
JOIN pg_attribute a ON a.attrelid = p.attrelid AND a.attnum = p.attnum
WHERE p.type = 'oid'::regtype AND p.deep > 0
   OR p.type IN ('regproc'::regtype, 'regprocedure'::regtype, 'regoper'::regtype, 'regoperator'::regtype,
                 'regclass'::regtype, 'regtype'::regtype, 'regrole'::regtype, 'regnamespace'::regtype,
                 'regconfig'::regtype, 'regdictionary'::regtype, 'regcollation'::regtype)
ORDER BY 1, p.attnum, 5
