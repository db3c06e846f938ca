-- For some validated foreign keys: a query for rows whose reference points nowhere (1,000 at most), and whether the
-- server takes the key NOT VALID. Keys over periods are left out. Parameter: their OIDs.
SELECT k.oid,
       pg_catalog.format(
           'SELECT pg_catalog.count(*) FROM (SELECT FROM %%s c WHERE %%s AND NOT EXISTS (SELECT FROM %%s p WHERE %%s) LIMIT 1000) o',
           CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || k.conrelid::pg_catalog.regclass::text,
           -- MATCH FULL: all or none.
           CASE k.confmatchtype
               WHEN 'f' THEN pg_catalog.format('NOT (%%s)', pg_catalog.string_agg(
                   pg_catalog.format('c.%%I IS NULL', a.attname), ' AND '))
               ELSE pg_catalog.string_agg(pg_catalog.format('c.%%I IS NOT NULL', a.attname), ' AND ') END,
           CASE r.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || k.confrelid::pg_catalog.regclass::text,
           pg_catalog.string_agg(
               pg_catalog.format('p.%%I OPERATOR(%%I.%%s) c.%%I', b.attname, n.nspname, o.oprname, a.attname), ' AND ')),
       c.relkind <> 'p' OR pg_catalog.current_setting('server_version_num')::int >= 180000
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_class r ON r.oid = k.confrelid
CROSS JOIN ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey), pg_catalog.unnest(k.conpfeqop))
    AS u (own, referenced, operator)
JOIN pg_catalog.pg_attribute a ON (a.attrelid, a.attnum) = (k.conrelid, u.own)
JOIN pg_catalog.pg_attribute b ON (b.attrelid, b.attnum) = (k.confrelid, u.referenced)
JOIN pg_catalog.pg_operator o ON o.oid = u.operator
JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
WHERE k.oid = ANY (%(keys)s) AND coalesce(pg_catalog.to_jsonb(k) ->> 'conperiod', 'false') = 'false'
GROUP BY k.oid, k.conrelid, k.confrelid, k.confmatchtype, c.relkind, r.relkind
ORDER BY k.oid
