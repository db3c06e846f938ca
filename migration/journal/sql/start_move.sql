INSERT INTO waqiti_migration.moves (service, schema_name, stack, mode, state, operator)
VALUES (%(service)s, %(schema_name)s, %(stack)s, %(mode)s, %(state)s, %(operator)s)
RETURNING id
