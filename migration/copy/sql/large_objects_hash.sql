-- The SHA-256 of a piece of each large object, as a later statement sees it.
SELECT wanted::bigint, sha256(lo_get(wanted, %(start)s::bigint, %(size)s::int))
FROM unnest(%(oids)s::oid[]) AS wanted
