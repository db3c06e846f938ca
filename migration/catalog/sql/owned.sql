-- What the services' common role may change the make of, as an owner of it (directly, by membership, as a superuser):
-- relations; and the schemas that it may make things in: (class, OID).
-- Parameters: application (the services' common role).
SELECT 'pg_class'::regclass::oid, c.oid
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND pg_has_role(%(application)s, c.relowner, 'USAGE')
UNION ALL
SELECT 'pg_namespace'::regclass::oid, n.oid
FROM pg_namespace n
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND has_schema_privilege(%(application)s, n.oid, 'CREATE')
