WITH mode AS (
    SELECT set_config('synchronous_commit', CASE WHEN %(durable)s THEN 'on' ELSE 'off' END, true)
)
UPDATE waqiti_migration.steps
SET finished = clock_timestamp(), outcome = %(outcome)s, figures = figures || %(figures)s,
    error = %(error)s,
    lsn = CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_wal_insert_lsn() END
FROM mode
WHERE id = %(id)s
