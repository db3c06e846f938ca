-- What the last watch over the shared database's transactions saw (`queries --watch-transactions`): one row.
CREATE SCHEMA IF NOT EXISTS waqiti_migration;
CREATE TABLE IF NOT EXISTS waqiti_migration.watched_transactions (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seen jsonb NOT NULL
)
