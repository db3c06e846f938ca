-- Every schema that is not the server's own: what is in it that no extension made, and what was done to its tables.
WITH of_extensions AS (
    SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'
), relations AS (
    SELECT c.relnamespace, c.oid, c.relkind, c.relname, c.relispartition
    FROM pg_catalog.pg_class AS c
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND NOT EXISTS (
          SELECT FROM of_extensions AS e WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.objid = c.oid
      )
), counted AS (
    SELECT r.relnamespace,
        count(*) FILTER (WHERE r.relkind IN ('r', 'p') AND NOT r.relispartition) AS tables,
        count(*) FILTER (WHERE r.relkind IN ('v', 'm', 'f')) AS others,
        array_agg(r.relname::text ORDER BY r.relname) FILTER (WHERE r.relkind IN ('r', 'p')) AS names,
        sum(pg_catalog.pg_total_relation_size(r.oid)) FILTER (WHERE r.relkind IN ('r', 'm')) AS bytes,
        sum(s.n_tup_ins) AS inserted, sum(s.n_tup_upd) AS updated, sum(s.n_tup_del) AS deleted,
        sum(s.n_live_tup) AS rows,
        sum(s.seq_scan) AS scans, sum(s.seq_tup_read) AS scanned, sum(s.idx_scan) AS lookups
    FROM relations AS r
    LEFT JOIN pg_catalog.pg_stat_user_tables AS s ON s.relid = r.oid
    GROUP BY r.relnamespace
)
SELECT n.nspname AS name,
    pg_catalog.pg_get_userbyid(n.nspowner) AS owner,
    EXISTS (
        SELECT FROM of_extensions AS e WHERE e.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND e.objid = n.oid
    ) AS of_extension,
    coalesce(c.tables, 0)::int AS tables,
    coalesce(c.others, 0)::int + (
        SELECT count(*) FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = n.oid AND NOT EXISTS (
            SELECT FROM of_extensions AS e WHERE e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND e.objid = p.oid
        )
    )::int AS others,
    coalesce(c.names, '{}') AS names,
    coalesce(c.bytes, 0)::bigint AS bytes,
    coalesce(c.inserted, 0)::bigint AS inserted,
    coalesce(c.updated, 0)::bigint AS updated,
    coalesce(c.deleted, 0)::bigint AS deleted,
    coalesce(c.rows, 0)::bigint AS rows,
    coalesce(c.scans, 0)::bigint AS scans,
    coalesce(c.scanned, 0)::bigint AS scanned,
    coalesce(c.lookups, 0)::bigint AS lookups
FROM pg_catalog.pg_namespace AS n
LEFT JOIN counted AS c ON c.relnamespace = n.oid
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY n.nspname
