-- Keep a foreign key's definition before it is dropped.
INSERT INTO waqiti_migration.crossing_keys (schema_name, table_name, constraint_name, definition, references_schema)
VALUES (%(schema)s, %(table)s, %(constraint)s, %(definition)s, %(references)s)
ON CONFLICT (schema_name, table_name, constraint_name)
DO UPDATE SET definition = EXCLUDED.definition, dropped = pg_catalog.clock_timestamp()
