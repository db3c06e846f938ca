-- Stored generated columns of tables that hold rows: OID of the table, how many rows (to a limit) hold another value
-- than their expression gives now, and what computes them anew, as statements. Parameters: tables, most.
-- Rows are compared as text: a type need not have an equality. An UPDATE computes a column anew only where it names one
-- that the column depends on (ExecInitStoredGenerated in src/backend/executor/nodeModifyTable.c).
WITH columns AS (
    SELECT c.oid, n.nspname, c.relname, a.attname,
           format('ROW(%%I)::pg_catalog.text IS DISTINCT FROM ROW((%%s)::%%s)::pg_catalog.text', a.attname,
                  pg_get_expr(d.adbin, d.adrelid), format_type(a.atttypid, a.atttypmod)) AS stale,
           (SELECT b.attname
            FROM pg_depend p JOIN pg_attribute b ON b.attrelid = p.refobjid AND b.attnum = p.refobjsubid
            WHERE p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid AND p.refclassid = 'pg_class'::regclass
              AND p.refobjid = c.oid AND p.refobjsubid > 0 AND b.attgenerated = ''
            ORDER BY b.attidentity <> '', b.attnum LIMIT 1) AS base
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attgenerated = 's' AND NOT a.attisdropped
    JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relkind = 'r' AND c.oid = ANY (%(tables)s::oid[])
)
SELECT oid, attname,
       format('SELECT count(*) FROM (SELECT FROM ONLY %%I.%%I WHERE %%s LIMIT %%s) s', nspname, relname, stale, %(most)s::int),
       format('UPDATE ONLY %%I.%%I SET %%I = %%I WHERE %%s', nspname, relname, base, base, stale)
FROM columns WHERE base IS NOT NULL
ORDER BY oid, attname
