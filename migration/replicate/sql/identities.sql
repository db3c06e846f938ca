-- What replica identities were before we settled them, so that `finish` can put them back.
CREATE TABLE IF NOT EXISTS waqiti_migration.replica_identities (
    service text NOT NULL,
    schema_name text NOT NULL,
    table_name text NOT NULL,
    identity text NOT NULL,
    index_name text,
    PRIMARY KEY (schema_name, table_name)
)
