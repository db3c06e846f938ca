SELECT n.nspname, coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
FROM pg_namespace AS n
LEFT JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'm')
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'waqiti_migration')
GROUP BY n.nspname
ORDER BY n.nspname
