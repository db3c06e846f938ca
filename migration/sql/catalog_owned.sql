-- How many tables the services' common role owns, directly, by membership or as a superuser.
SELECT count(*)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND pg_has_role(%(application)s, c.relowner, 'USAGE')
