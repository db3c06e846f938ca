-- Note what the schema's relations are now.
WITH gone AS (DELETE FROM waqiti_migration.definitions WHERE schema_name = %(schema)s)
INSERT INTO waqiti_migration.definitions (schema_name, relation, line)
SELECT n.nspname, c.oid, line
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL waqiti_migration.definition_of(c.oid) AS line
WHERE n.nspname = %(schema)s AND c.relkind NOT IN ('i', 'I', 't')
