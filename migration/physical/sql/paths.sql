-- The files of all relations of the database but its catalogue's; large objects are everybody's.
SELECT pg_catalog.pg_relation_filepath(c.oid)
  FROM pg_catalog.pg_class c
 WHERE c.relkind IN ('r', 'i', 't', 'm', 'S')
   AND (c.oid >= 16384 OR c.relname ~ '^pg_largeobject')
