-- Runs in the apply worker: a heartbeat of the verification waits here as long as the verifier holds the
-- advisory lock of this very beat, and with it everything that was committed after it.
CREATE OR REPLACE FUNCTION waqiti_migration.hold_apply() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $hold$
BEGIN
    PERFORM pg_advisory_xact_lock(TG_ARGV[0]::int4, (NEW.beat % 2147483647)::int4);
    RETURN NEW;
END
$hold$
