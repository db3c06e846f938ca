-- Which schemas have their DDL carried over, by which log; and what their relations were when that was looked
-- at last: at the start, and after each change that is carried.
CREATE TABLE IF NOT EXISTS waqiti_migration.carried_schemas (
    schema_name text PRIMARY KEY,
    service text NOT NULL,
    log text NOT NULL,
    -- Of the side that this is on: what is closed carries nothing.
    flag text NOT NULL
);
CREATE TABLE IF NOT EXISTS waqiti_migration.definitions (
    schema_name text NOT NULL,
    relation oid NOT NULL,
    line text NOT NULL,
    -- Made since the move began, so that it may be dropped again.
    made boolean NOT NULL DEFAULT false
);
CREATE INDEX IF NOT EXISTS definitions_relation ON waqiti_migration.definitions (relation)
