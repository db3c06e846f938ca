-- Prepared transactions of this database that hold locks on tables of the schema, or any of them.
SELECT p.gid, p.owner::text, extract(epoch FROM pg_catalog.clock_timestamp() - p.prepared)::float8
FROM pg_catalog.pg_prepared_xacts p
WHERE p.database = pg_catalog.current_database()
  AND (%(any)s OR EXISTS (
      SELECT FROM pg_catalog.pg_locks t
      JOIN pg_catalog.pg_locks l ON l.virtualtransaction = t.virtualtransaction AND l.pid IS NULL
      JOIN pg_catalog.pg_class c ON c.oid = l.relation
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE t.locktype = 'transactionid' AND t.transactionid = p.transaction AND n.nspname = %(schema)s
        AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())))
ORDER BY p.prepared
