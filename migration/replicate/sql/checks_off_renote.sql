-- Note the check as it is now, where its schema's changes are carried over.
INSERT INTO waqiti_migration.definitions (schema_name, relation, line)
SELECT k.schema_name, c.oid, line
FROM waqiti_migration.carried_schemas k
JOIN pg_catalog.pg_namespace n ON n.nspname = k.schema_name
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
CROSS JOIN LATERAL waqiti_migration.definition_of(c.oid) AS line
WHERE n.nspname = %(schema)s AND c.relname = %(table)s
  AND pg_catalog.starts_with(line, 'constraint|' || %(name)s::text || '|c|')
