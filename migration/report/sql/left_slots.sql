-- Slots of a comparison that nobody is at any more, and how much WAL each keeps. Parameter: slots.
SELECT s.slot_name::text, coalesce(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), s.restart_lsn), 0)::int8
FROM pg_catalog.pg_replication_slots s
WHERE s.slot_name = ANY (%(slots)s) AND s.database = pg_catalog.current_database() AND NOT s.active
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a
                  WHERE a.application_name = 'waqiti-migration-keys' AND a.datname = s.database)
ORDER BY 1
