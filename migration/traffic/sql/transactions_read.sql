-- The tables that each committed transaction wrote to: one row a transaction, `schema.table: INSERT` (several tables
-- of one TRUNCATE with commas). Reading consumes. What replication applied is left out. Of the values that
-- test_decoding prints nothing leaves the server.
-- Parameters: slot, upto (LSN), most (changes; whole transactions only).
SELECT array_agg(DISTINCT c.written) FILTER (WHERE c.written IS NOT NULL)
FROM (
    SELECT xid::text AS transaction,
           substring(data FROM '^table ((?:(?:"(?:[^"]|"")+"|[^".:, ]+)\.(?:"(?:[^"]|"")+"|[^".:, ]+)(?:, )?)+: [A-Z]+):')
               AS written
    FROM pg_logical_slot_get_changes(%(slot)s, %(upto)s::pg_lsn, %(most)s, 'include-xids', '0', 'skip-empty-xacts', '1',
                                     'only-local', '1')
) c
GROUP BY c.transaction
