-- Relations of a schema that are not what was noted of them: changed while event triggers were off.
WITH now AS (
    SELECT c.oid AS relation, line
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL waqiti_migration.definition_of(c.oid) AS line
    WHERE n.nspname = %(schema)s AND c.relkind NOT IN ('i', 'I', 't') AND line NOT LIKE 'crossing|%%'
), noted AS (
    SELECT relation, line FROM waqiti_migration.definitions WHERE schema_name = %(schema)s AND line NOT LIKE 'crossing|%%'
)
SELECT DISTINCT relation::pg_catalog.regclass::pg_catalog.text
FROM ((TABLE now EXCEPT TABLE noted) UNION ALL (TABLE noted EXCEPT TABLE now)) AS d
