-- Write a piece of each large object.
SELECT lo_put(oid, %(start)s::bigint, piece)
FROM unnest(%(oids)s::oid[], %(pieces)s::bytea[]) AS given (oid, piece)
