-- Says that what the database holds was put there by `python -m migration`, and from which source.
CREATE SCHEMA IF NOT EXISTS waqiti_migration;

CREATE TABLE IF NOT EXISTS waqiti_migration.imprint (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    source text NOT NULL,
    service text NOT NULL,
    move bigint NOT NULL,
    made timestamptz NOT NULL DEFAULT clock_timestamp()
);
