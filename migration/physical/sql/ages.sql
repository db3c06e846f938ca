-- What a file that came says of itself, said by the catalogue.
UPDATE pg_catalog.pg_class c
   SET relfrozenxid = coalesce(v.frozen::pg_catalog.xid, c.relfrozenxid),
       relminmxid = coalesce(v.multi::pg_catalog.xid, c.relminmxid),
       relpages = v.pages, reltuples = v.tuples, relallvisible = v.visible
  FROM unnest(%(paths)s::text[], %(frozen)s::text[], %(multi)s::text[], %(pages)s::int[], %(tuples)s::real[],
              %(visible)s::int[]) AS v (path, frozen, multi, pages, tuples, visible)
 WHERE pg_catalog.pg_relation_filepath(c.oid) = v.path
