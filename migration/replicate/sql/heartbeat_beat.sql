INSERT INTO {heartbeat} AS h (purpose, beat, at) VALUES (%(purpose)s, 1, pg_catalog.clock_timestamp())
ON CONFLICT (purpose) DO UPDATE SET beat = h.beat + 1, at = pg_catalog.clock_timestamp()
RETURNING beat
