-- A piece of each large object; shorter than asked for at its end.
SELECT wanted::bigint, lo_get(wanted, %(start)s::bigint, %(size)s::int)
FROM unnest(%(oids)s::oid[]) AS wanted
