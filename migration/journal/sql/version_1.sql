CREATE SCHEMA IF NOT EXISTS waqiti_migration;

COMMENT ON SCHEMA waqiti_migration IS
    'Journal and controls of `python -m migration`; not part of any service.';

CREATE TABLE waqiti_migration.journal_versions (
    version integer PRIMARY KEY,
    applied timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE waqiti_migration.moves (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    service text NOT NULL,
    schema_name text NOT NULL,
    stack text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('offline', 'online')),
    state text NOT NULL,
    started timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished timestamptz,
    operator text NOT NULL
);

COMMENT ON COLUMN waqiti_migration.moves.finished IS
    'Set when the move is over for good: given up, or its source archived.';

CREATE UNIQUE INDEX moves_one_open_per_service
    ON waqiti_migration.moves (service) WHERE finished IS NULL;

CREATE TABLE waqiti_migration.steps (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    move bigint NOT NULL REFERENCES waqiti_migration.moves,
    step text NOT NULL,
    started timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished timestamptz,
    outcome text CHECK (outcome IN ('done', 'failed', 'interrupted')),
    lsn pg_lsn,
    figures jsonb NOT NULL DEFAULT '{}',
    operator text NOT NULL,
    error text,
    CHECK ((finished IS NULL) = (outcome IS NULL))
);

COMMENT ON COLUMN waqiti_migration.steps.outcome IS
    'NULL: the step began and its end was never recorded, so the process may have died in it.';

CREATE INDEX steps_of_move ON waqiti_migration.steps (move, id);
