-- Remove those of these large objects that exist.
SELECT lo_unlink(oid) FROM pg_largeobject_metadata WHERE oid = ANY (%(oids)s::oid[])
