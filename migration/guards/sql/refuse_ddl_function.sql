-- Refuses DDL that would leave a table of a closed side without its guards, or drop it; all else passes.
--
-- What is looked at is what the statement leaves behind, not the statement: both guards enabled always on
-- each table that it touched, and on the partitions and children of those.
-- The migration's own sessions are told by their application_name; a flag that is not there closes nothing.
CREATE OR REPLACE FUNCTION waqiti_migration.refuse_ddl() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $refuse$
DECLARE
    refused text;
BEGIN
    IF starts_with(current_setting('application_name', true), 'waqiti-migration') THEN
        RETURN;
    END IF;
    IF tg_event = 'sql_drop' THEN
        -- A table that is dropped takes its guards with it, so that they stand for both.
        SELECT d.object_identity INTO refused
        FROM pg_event_trigger_dropped_objects() d
        JOIN waqiti_migration.guarded_schemas g ON g.schema_name = d.address_names[1]
        WHERE d.object_type = 'trigger' AND starts_with(d.address_names[3], 'waqiti_migration_guard')
          AND to_regclass(g.flag) IS NOT NULL AND pg_sequence_last_value(to_regclass(g.flag)) IS DISTINCT FROM 1
        LIMIT 1;
    ELSE
        WITH touched AS (
            SELECT CASE c.classid WHEN 'pg_class'::regclass THEN c.objid ELSE t.tgrelid END AS oid
            FROM pg_event_trigger_ddl_commands() c
            LEFT JOIN pg_trigger t ON c.classid = 'pg_trigger'::regclass AND t.oid = c.objid
        ), tables AS (
            SELECT oid, oid AS under FROM touched
            UNION
            SELECT i.inhrelid, touched.oid FROM touched JOIN pg_inherits i ON i.inhparent = touched.oid
            UNION
            SELECT touched.oid, i.inhparent FROM touched JOIN pg_inherits i ON i.inhrelid = touched.oid
        )
        SELECT format('%I.%I', n.nspname, c.relname) INTO refused
        FROM tables
        JOIN pg_class c ON c.oid = tables.oid AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_class u ON u.oid = tables.under
        JOIN pg_namespace un ON un.oid = u.relnamespace
        JOIN waqiti_migration.guarded_schemas g ON g.schema_name = un.nspname
        WHERE to_regclass(g.flag) IS NOT NULL AND pg_sequence_last_value(to_regclass(g.flag)) IS DISTINCT FROM 1
          AND (SELECT count(*) FROM pg_trigger t
               WHERE t.tgrelid = c.oid AND t.tgenabled = 'A'
                 AND t.tgfoid = to_regprocedure(g.guard)) < 2
        LIMIT 1;
    END IF;
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION 'writes are closed on this side, and % would leave % without its guards', tg_tag, refused
            USING ERRCODE = 'read_only_sql_transaction',
                  HINT = 'Change the schema where the service''s endpoint leads to, before or after its move.';
    END IF;
END
$refuse$
