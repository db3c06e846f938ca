-- DDL noticed in the schemas that are moving, and which schemas those are.
CREATE TABLE IF NOT EXISTS waqiti_migration.watched_schemas (
    schema_name text PRIMARY KEY,
    service text NOT NULL
);
CREATE TABLE IF NOT EXISTS waqiti_migration.ddl (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    schema_name text NOT NULL,
    role_name text NOT NULL,
    application text NOT NULL,
    command text NOT NULL,
    object text NOT NULL,
    statement text NOT NULL
)
