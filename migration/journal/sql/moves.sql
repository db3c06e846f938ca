SELECT DISTINCT ON (service)
    id, service, schema_name, stack, mode, state, started, updated, finished, operator
FROM waqiti_migration.moves
WHERE %(service)s::text IS NULL OR service = %(service)s
ORDER BY service, id DESC
