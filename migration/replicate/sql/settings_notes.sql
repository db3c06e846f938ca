-- The notes of one database's subscriptions and publications, one row each: kind, name, note.
SELECT 'SUBSCRIPTION', s.subname::text, pg_catalog.obj_description(s.oid, 'pg_subscription')
FROM pg_catalog.pg_subscription s
WHERE s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
UNION ALL
SELECT 'PUBLICATION', p.pubname::text, pg_catalog.obj_description(p.oid, 'pg_publication')
FROM pg_catalog.pg_publication p
