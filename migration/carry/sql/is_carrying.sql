-- Whether this database notes whose schema changes it carries over.
SELECT pg_catalog.to_regclass('waqiti_migration.carried_schemas') IS NOT NULL
