-- Says in one line, for a deploy's log, why a change is refused and what to do.
CREATE OR REPLACE FUNCTION waqiti_migration.refuse_carrying(service text, tag text, object text, reason text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $refuse$
BEGIN
    RAISE EXCEPTION '% is refused while the service % moves, because it is not carried over to its other database: % (%)',
        tag, service, reason, object
        USING ERRCODE = 'object_not_in_prerequisite_state',
              HINT = 'Carried over are new tables, columns without a rewrite, defaults, constraints, indexes, sequences and'
                     ' comments. Deploy the rest before the move, or after `python -m migration finish`.';
END
$refuse$
