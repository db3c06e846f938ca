-- What was counted of each statement of this database, without its text: that is in a file.
SELECT queryid, userid::bigint, sum(calls)::bigint, sum(total_exec_time), max(stddev_exec_time)
  FROM {function}(false)
 WHERE dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
   AND queryid IS NOT NULL AND toplevel
 GROUP BY queryid, userid
