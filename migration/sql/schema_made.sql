-- What is noted as made for a service and still exists, last made first.
SELECT m.classid, m.objid, i.type, i.identity
FROM waqiti_migration.schema_objects m
CROSS JOIN LATERAL pg_identify_object(m.classid, m.objid, 0) i
WHERE m.service = ANY(%(services)s) AND i.identity IS NOT NULL
ORDER BY m.classid = 'pg_namespace'::regclass, m.classid = 'pg_extension'::regclass, m.objid DESC
