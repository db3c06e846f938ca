-- Bytes of large objects, by their last page: pages hold 2 KiB, LOBLKSIZE of a default build.
SELECT coalesce(sum(pages), 0)::int8 * 2048
FROM (SELECT max(pageno) + 1 AS pages
      FROM pg_catalog.pg_largeobject WHERE loid = ANY (%(oids)s::pg_catalog.oid[]) GROUP BY loid) AS sizes
