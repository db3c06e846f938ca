-- What an instance has now, as its monitoring role: its database's size, and the parameters that sizes follow from.
SELECT pg_catalog.pg_database_size(pg_catalog.current_database()) AS bytes,
       (SELECT setting::bigint * 8192 FROM pg_catalog.pg_settings WHERE name = 'shared_buffers') AS shared_buffers,
       (SELECT setting::int FROM pg_catalog.pg_settings WHERE name = 'max_connections') AS max_connections,
       (SELECT setting::bigint * 1048576 FROM pg_catalog.pg_settings WHERE name = 'max_wal_size') AS max_wal_size,
       (SELECT setting::int FROM pg_catalog.pg_settings WHERE name = 'checkpoint_timeout') AS checkpoint_seconds
