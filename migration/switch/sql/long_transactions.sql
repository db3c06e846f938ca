-- Transactions of these sessions that have been open for so many seconds.
SELECT pid, application_name, extract(epoch FROM clock_timestamp() - xact_start)::float8
FROM pg_catalog.pg_stat_activity
WHERE pid = ANY (%(pids)s::int[]) AND xact_start < clock_timestamp() - make_interval(secs => %(seconds)s)
ORDER BY xact_start
