CREATE TABLE waqiti_migration.copied_tables (
    move bigint NOT NULL REFERENCES waqiti_migration.moves,
    table_name text NOT NULL,
    figures jsonb NOT NULL,
    copied timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (move, table_name)
);

COMMENT ON TABLE waqiti_migration.copied_tables IS
    'Tables that are on the target whole, as of a snapshot after which the source took no writes.';

CREATE TABLE waqiti_migration.verifications (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    move bigint NOT NULL REFERENCES waqiti_migration.moves,
    made timestamptz NOT NULL DEFAULT clock_timestamp(),
    equal boolean NOT NULL,
    verdict jsonb NOT NULL
);
