-- A subscription as its own server sees it: whether it is enabled, its worker, the errors of applying.
SELECT s.subenabled,
       (SELECT a.pid FROM pg_catalog.pg_stat_subscription a WHERE a.subid = s.oid AND a.relid IS NULL LIMIT 1),
       (SELECT e.apply_error_count FROM pg_catalog.pg_stat_subscription_stats e WHERE e.subid = s.oid),
       s.subslotname::pg_catalog.text,
       s.oid::pg_catalog.int8,
       (SELECT EXTRACT(epoch FROM pg_catalog.clock_timestamp() - p.backend_start)::pg_catalog.float8
        FROM pg_catalog.pg_stat_subscription a JOIN pg_catalog.pg_stat_activity p ON p.pid = a.pid
        WHERE a.subid = s.oid AND a.relid IS NULL LIMIT 1)
FROM pg_catalog.pg_subscription s
WHERE s.subname = %(subscription)s
  AND s.subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
