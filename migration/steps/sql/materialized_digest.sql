-- What a materialized view holds, in whatever order: count, and two sums over the rows' text.
SELECT pg_catalog.count(*), pg_catalog.sum(('x' || pg_catalog.left(h, 16))::bit(64)::bigint::numeric),
       pg_catalog.sum(('x' || pg_catalog.right(h, 16))::bit(64)::bigint::numeric)
FROM (SELECT pg_catalog.md5(ROW(v.*)::text) AS h FROM {view} AS v) AS hashes
