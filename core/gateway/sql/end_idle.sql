-- Ends those of the sessions that have been in no transaction for so many seconds.
SELECT pg_catalog.pg_terminate_backend(pid)
FROM pg_catalog.pg_stat_activity
WHERE pid = ANY (%(pids)s::int[]) AND state = 'idle'
  AND state_change <= pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => %(idle)s)
