-- Of the subscription %(subscription)s: whether its apply worker is at work now. NULL: it may not be seen; no
-- row: none runs. Idle is who waits for changes to come; any other wait keeps the next change from being applied.
SELECT CASE WHEN a.backend_type IS NULL THEN NULL
       ELSE a.wait_event IS DISTINCT FROM 'LogicalApplyMain' END
FROM pg_catalog.pg_stat_subscription s
JOIN pg_catalog.pg_stat_activity a ON a.pid = s.pid
WHERE s.subname = %(subscription)s AND s.relid IS NULL
ORDER BY s.subid
LIMIT 1
