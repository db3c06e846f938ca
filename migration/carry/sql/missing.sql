-- On the side that serves: tables and sequences of a schema that no log of changes brings to the other side, if they are
-- not there: those that were there when changes began to be carried over, and where nobody sees changes all that came since.
SELECT c.oid, c.relname::text, c.relkind::text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'S') AND c.relpersistence = 'p'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                    AND (d.deptype = 'e' OR c.relkind = 'S' AND d.deptype = 'i'))
  AND CASE WHEN EXISTS (SELECT FROM waqiti_migration.definitions b WHERE b.relation = c.oid)
           THEN EXISTS (SELECT FROM waqiti_migration.definitions b
                        WHERE b.relation = c.oid AND NOT b.made AND b.line LIKE 'relation|%%')
           ELSE NOT %(seen)s END
ORDER BY c.oid
