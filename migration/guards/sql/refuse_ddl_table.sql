-- Which schemas are guarded by which flag and function, for `refuse_ddl`.
CREATE TABLE IF NOT EXISTS waqiti_migration.guarded_schemas (
    schema_name text PRIMARY KEY,
    flag text NOT NULL,
    guard text NOT NULL
)
