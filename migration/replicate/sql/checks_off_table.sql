-- Checks that a side goes without while it follows, and what they were; `off`: it goes without them now.
-- number: the order in which they were taken off.
CREATE TABLE IF NOT EXISTS waqiti_migration.checks_off (
    number bigint GENERATED ALWAYS AS IDENTITY,
    service text NOT NULL,
    schema_name text NOT NULL,
    table_name text NOT NULL,
    constraint_name text NOT NULL,
    definition text NOT NULL,
    comment text,
    valid boolean NOT NULL,
    -- There by a parent's alone: it comes and goes with that.
    inherited boolean NOT NULL,
    off boolean NOT NULL,
    PRIMARY KEY (schema_name, table_name, constraint_name)
)
