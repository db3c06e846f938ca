-- Which services keep read-only replicas of which others' columns, and from which side those follow.
CREATE TABLE IF NOT EXISTS waqiti_migration.service_references (
    dependent text NOT NULL,
    referenced text NOT NULL,
    publisher text NOT NULL CHECK (publisher IN ('shared', 'own')),
    tables jsonb NOT NULL,
    made timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (dependent, referenced)
);
-- Since when and why a replica stands still; NULL: it follows.
ALTER TABLE waqiti_migration.service_references ADD COLUMN IF NOT EXISTS stale jsonb
