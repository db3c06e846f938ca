-- Whether the apply worker waits for this advisory lock, and for how many milliseconds by its own count.
SELECT l.pid
FROM pg_catalog.pg_locks l
WHERE l.locktype = 'advisory' AND NOT l.granted AND l.objsubid = 2
  AND l.classid = %(lock)s::pg_catalog.int8::pg_catalog.oid
  AND l.objid = %(beat)s::pg_catalog.int8::pg_catalog.oid
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
