-- Note what some relations of a schema (`names`) are, as made since the move began, unless that is noted.
INSERT INTO waqiti_migration.definitions (schema_name, relation, line, made)
SELECT n.nspname, c.oid, line, true
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL waqiti_migration.definition_of(c.oid) AS line
WHERE n.nspname = %(schema)s AND c.relname = ANY (%(names)s)
  AND NOT EXISTS (SELECT FROM waqiti_migration.definitions b WHERE b.relation = c.oid)
