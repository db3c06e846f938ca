UPDATE waqiti_migration.moves
SET state = %(state)s, operator = %(operator)s, updated = clock_timestamp(),
    finished = CASE WHEN %(over)s THEN clock_timestamp() END
WHERE id = %(move)s
