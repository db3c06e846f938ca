-- Foreign keys of the shared database between two services' schemas, not the parts that partitions inherit;
-- with whether the server vouches for each.
SELECT n.nspname, c.relname, k.conname, pg_catalog.pg_get_constraintdef(k.oid), rn.nspname,
       k.convalidated AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_trigger t WHERE t.tgconstraint = k.oid AND t.tgenabled NOT IN ('O', 'A'))
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class rc ON rc.oid = k.confrelid
JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND n.nspname <> rn.nspname
  AND n.nspname = ANY (%(schemas)s) AND rn.nspname = ANY (%(schemas)s)
ORDER BY 1, 2, 3
