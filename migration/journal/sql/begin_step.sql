WITH mode AS (
    SELECT set_config('synchronous_commit', CASE WHEN %(durable)s THEN 'on' ELSE 'off' END, true)
)
INSERT INTO waqiti_migration.steps (move, step, operator, figures, lsn)
SELECT
    %(move)s, %(step)s, %(operator)s, %(figures)s,
    CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_wal_insert_lsn() END
FROM mode
RETURNING id
