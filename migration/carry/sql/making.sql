-- The statements that make some relations (`relations`, their OIDs) anew, in their order.
SELECT s.statement
FROM pg_catalog.unnest(%(relations)s::oid[]) WITH ORDINALITY AS r (relation, number)
CROSS JOIN LATERAL waqiti_migration.carried_statements(r.relation, '{}') AS s
ORDER BY s.rank, r.number
