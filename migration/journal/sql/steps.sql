SELECT id, step, started, finished, outcome, lsn::text, figures, operator, error
FROM waqiti_migration.steps
WHERE move = %(move)s
ORDER BY id
