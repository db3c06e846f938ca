-- Length and hash of one piece of each large object that exists; parameters: oids oid[], start int8, size int4.
SELECT metadata.oid, pg_catalog.length(piece), pg_catalog.md5(piece)
FROM unnest(%(oids)s::pg_catalog.oid[]) AS asked (oid)
JOIN pg_catalog.pg_largeobject_metadata AS metadata ON metadata.oid = asked.oid
CROSS JOIN LATERAL pg_catalog.lo_get(metadata.oid, %(start)s::pg_catalog.int8, %(size)s::pg_catalog.int4)
    AS pieces (piece)
