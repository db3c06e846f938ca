-- The foreign keys that crossed services and were dropped on the source, kept for the way back.
CREATE TABLE IF NOT EXISTS waqiti_migration.crossing_keys (
    schema_name text NOT NULL,
    table_name text NOT NULL,
    constraint_name text NOT NULL,
    definition text NOT NULL,
    references_schema text NOT NULL,
    dropped timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (schema_name, table_name, constraint_name)
)
