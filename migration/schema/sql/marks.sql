-- Where this program notes what it made on a service's own database.
CREATE TABLE IF NOT EXISTS waqiti_migration.schema_objects (
    service text NOT NULL,
    classid oid NOT NULL,
    objid oid NOT NULL,
    PRIMARY KEY (service, classid, objid)
);
CREATE TABLE IF NOT EXISTS waqiti_migration.schema_statements (
    service text NOT NULL,
    fingerprint text NOT NULL,
    name text NOT NULL,
    done_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (service, fingerprint)
);
