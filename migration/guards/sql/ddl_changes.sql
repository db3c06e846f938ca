SELECT id, at, role_name, application, command, object, statement
FROM waqiti_migration.ddl
WHERE schema_name = %(schema)s AND id > %(after)s
ORDER BY id
