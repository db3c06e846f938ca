-- The numbers of the advisory locks of those who fill replicas. Parameter: key.
SELECT l.objid::pg_catalog.int8
FROM pg_catalog.pg_locks l
WHERE l.locktype = 'advisory'
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND l.classid::pg_catalog.int8 = %(key)s AND l.objsubid = 2
  AND l.granted
