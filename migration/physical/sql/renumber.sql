UPDATE pg_catalog.{table} t
   SET {column} = v.new
  FROM unnest(%s::bigint[]::pg_catalog.oid[], %s::bigint[]::pg_catalog.oid[]) AS v (old, new)
 WHERE t.{column} = v.old
