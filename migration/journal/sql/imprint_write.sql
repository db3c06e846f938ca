INSERT INTO waqiti_migration.imprint (source, service, move)
VALUES (%(source)s, %(service)s, %(move)s)
ON CONFLICT (only_one) DO UPDATE
SET source = excluded.source, service = excluded.service, move = excluded.move, made = clock_timestamp()
