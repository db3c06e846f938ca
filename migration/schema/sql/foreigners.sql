-- Objects of the target's database that neither came with the server or an extension nor are noted as made
-- by this program; those of the service's own schema first. Types and indexes go with their tables.
SELECT n.nspname, i.type, i.identity
FROM (
    SELECT 'pg_class'::regclass::oid AS classid, oid, relnamespace AS namespace FROM pg_class
    WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL
    SELECT 'pg_proc'::regclass, oid, pronamespace FROM pg_proc
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, t.typnamespace FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE (t.typrelid = 0 OR c.relkind = 'c') AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
) o
JOIN pg_namespace n ON n.oid = o.namespace
CROSS JOIN LATERAL pg_identify_object(o.classid, o.oid, 0) i
WHERE n.nspname <> ALL (ARRAY['pg_catalog', 'information_schema', 'pg_toast', 'waqiti_migration', 'waqiti_ddl'])
  AND n.nspname !~ '^pg_(toast_)?temp_'
  AND NOT EXISTS (
      SELECT FROM pg_depend d
      WHERE d.classid = o.classid AND d.objid = o.oid AND d.objsubid = 0 AND d.deptype IN ('e', 'i')
  )
  AND NOT EXISTS (
      SELECT FROM waqiti_migration.schema_objects m
      WHERE m.service IN (%(service)s, %(service)s || ' references') AND m.classid = o.classid AND m.objid = o.oid
  )
ORDER BY n.nspname <> %(schema)s, n.nspname, i.identity
