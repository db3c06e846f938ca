-- One row a purpose ('lag', 'verify', 'switch'); the same table on both sides of a direction.
CREATE TABLE IF NOT EXISTS {heartbeat} (
    purpose text PRIMARY KEY,
    beat bigint NOT NULL,
    at timestamptz NOT NULL
)
