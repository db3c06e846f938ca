-- On the side that follows: tables made since the move began whose rows a subscription does not apply yet.
SELECT n.nspname::text, c.relname::text
FROM waqiti_migration.definitions b
JOIN pg_catalog.pg_class c ON c.oid = b.relation
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE b.schema_name = %(schema)s AND b.made AND b.line LIKE 'relation|%%' AND c.relkind = 'r'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_subscription s
                  JOIN pg_catalog.pg_subscription_rel r ON r.srsubid = s.oid
                  WHERE s.subname = %(subscription)s AND r.srrelid = c.oid)
ORDER BY 1, 2
