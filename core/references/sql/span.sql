-- How many rows the referenced table has, as last estimated (nothing, or less than 0: not known), and the first
-- and last of its values; an index gives those at once, because they are unique.
SELECT (SELECT coalesce(pg_catalog.sum(l.reltuples), c.reltuples)
        FROM pg_catalog.pg_partition_tree(c.oid) p JOIN pg_catalog.pg_class l ON l.oid = p.relid
        WHERE p.isleaf AND l.oid <> c.oid),
       (SELECT pg_catalog.min({column})::bigint FROM {table} AS t),
       (SELECT pg_catalog.max({column})::bigint FROM {table} AS t)
FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass({name})
