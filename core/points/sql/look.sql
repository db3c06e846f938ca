-- After the point, in another session: the same snapshot text if no transaction has ended meanwhile; and who is
-- writing although no gateway lets anybody through.
SELECT pg_catalog.pg_current_snapshot()::pg_catalog.text AS seen,
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_subscription WHERE pid IS NOT NULL)
           ::pg_catalog.text AS workers,
       (SELECT pg_catalog.string_agg(pg_catalog.format('pid %s (%s, %s)', a.pid, a.usename,
                   coalesce(NULLIF(a.application_name, ''), 'unnamed')), '; ' ORDER BY a.pid)
        FROM pg_catalog.pg_stat_activity a
        WHERE a.backend_type = 'client backend' AND a.backend_xid IS NOT NULL
          AND a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()) AS beside
