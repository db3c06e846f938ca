-- The first relation of the target's database that did not come with the server, an extension or this program; those
-- of the service's own schema first. Of a composite type it is the type that an extension brings.
SELECT n.nspname, c.relname
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'waqiti_migration', 'waqiti_ddl')
  AND NOT EXISTS (
      SELECT FROM pg_depend AS d
      WHERE d.deptype = 'e' AND (
          d.classid = 'pg_class'::regclass AND d.objid = c.oid
          OR c.relkind = 'c' AND d.classid = 'pg_type'::regclass AND d.objid = c.reltype)
  )
ORDER BY n.nspname = %(schema_name)s DESC, n.nspname, c.relname
LIMIT 1
