-- Tables and sequences of a schema that were made since its move began.
SELECT c.relname::text
FROM waqiti_migration.definitions b
JOIN pg_catalog.pg_class c ON c.oid = b.relation
WHERE b.schema_name = %(schema)s AND b.made AND b.line LIKE 'relation|%%'
