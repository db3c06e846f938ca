-- Set several sequences; names are quoted and schema-qualified.
SELECT setval(name::regclass, value, called)
FROM unnest(%(names)s::text[], %(values)s::bigint[], %(called)s::boolean[]) AS wanted (name, value, called)
