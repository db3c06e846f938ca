-- Up to where a subscription's changes are applied; no row where there is no such subscription.
SELECT s.remote_lsn::pg_catalog.text
FROM pg_catalog.pg_subscription u
LEFT JOIN pg_catalog.pg_replication_origin_status s ON s.external_id = 'pg_' || u.oid::pg_catalog.text
WHERE u.subname = %(subscription)s
  AND u.subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
