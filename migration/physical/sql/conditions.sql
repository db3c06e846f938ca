-- What of a server must be alike on both sides, by what it is called for a person.
SELECT pg_catalog.current_setting('server_version_num')::int / 10000 AS major,
       (pg_catalog.regexp_match(pg_catalog.version(), ' on ([^-, ]+)'))[1] AS architecture,
       (SELECT pg_catalog.to_jsonb(i) - 'bytes_per_wal_segment' - 'data_page_checksum_version'
          FROM pg_catalog.pg_control_init() i) AS layout,
       (SELECT catalog_version_no FROM pg_catalog.pg_control_system()) AS catalogue,
       (SELECT data_page_checksum_version > 0 FROM pg_catalog.pg_control_init()) AS checksums,
       (SELECT pg_catalog.to_jsonb(d) ->> 'datlocprovider' || ' ' || d.datcollate || ' ' || d.datctype || ' '
               || coalesce(pg_catalog.to_jsonb(d) ->> 'daticulocale', pg_catalog.to_jsonb(d) ->> 'datlocale', '')
               || ' ' || pg_catalog.pg_encoding_to_char(d.encoding)
          FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) AS locale,
       (SELECT coalesce(pg_catalog.jsonb_object_agg(c.collname,
                   pg_catalog.pg_collation_actual_version(c.oid)), '{}')
          FROM pg_catalog.pg_collation c
         WHERE c.oid IN (SELECT u.attcollation FROM pg_catalog.pg_attribute u
                          WHERE u.attnum > 0 AND u.attcollation <> 0
                            AND u.attrelid >= 16384)) AS collations,
       (SELECT pg_catalog.pg_database_collation_actual_version(d.oid)
          FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) AS collation_version,
       (SELECT s.enumvals FROM pg_catalog.pg_settings s
         WHERE s.name = 'default_toast_compression') AS compressions,
       (SELECT pg_catalog.array_agg(t.spcname::text ORDER BY 1) FROM pg_catalog.pg_tablespace t
         WHERE t.spcname NOT IN ('pg_default', 'pg_global')) AS tablespaces,
       (SELECT r.rolname::text FROM pg_catalog.pg_roles r WHERE r.oid = 10) AS superuser,
       (SELECT r.rolsuper OR r.rolreplication FROM pg_catalog.pg_roles r
         WHERE r.rolname = current_user) AS may_replicate,
       (SELECT pg_catalog.array_agg(s.slot_name::text ORDER BY 1)
          FROM pg_catalog.pg_replication_slots s) AS slots,
       (SELECT count(*)::int FROM pg_catalog.pg_prepared_xacts) AS prepared,
       (SELECT pg_catalog.array_agg(d.datname::text ORDER BY 1) FROM pg_catalog.pg_database d
         WHERE d.datname NOT IN ('postgres', 'template0', 'template1', pg_catalog.current_database())) AS databases,
       (SELECT pg_catalog.array_agg(s.subname::text ORDER BY 1) FROM pg_catalog.pg_subscription s
         WHERE s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d
                             WHERE d.datname = pg_catalog.current_database())) AS subscriptions,
       pg_catalog.current_setting('track_commit_timestamp') = 'on' AS commit_timestamps,
       (SELECT pg_catalog.sum(pg_catalog.pg_database_size(d.oid))::bigint FROM pg_catalog.pg_database d
         WHERE d.datallowconn AND pg_catalog.has_database_privilege(d.oid, 'CONNECT')) AS cluster_bytes,
       (SELECT next_oid::bigint FROM pg_catalog.pg_control_checkpoint()) AS next_oid
