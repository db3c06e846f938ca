-- Cut large objects to nothing; 131072 is INV_WRITE of libpq/libpq-fs.h.
SELECT lo_truncate64(lo_open(oid, 131072), 0) FROM unnest(%(oids)s::oid[]) AS given (oid)
