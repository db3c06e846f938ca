UPDATE pg_catalog.pg_depend d
   SET {number} = v.new
  FROM unnest(%s::bigint[]::pg_catalog.oid[], %s::bigint[]::pg_catalog.oid[]) AS v (old, new)
 WHERE d.{number} = v.old AND d.{kind} = 'pg_catalog.pg_class'::pg_catalog.regclass
