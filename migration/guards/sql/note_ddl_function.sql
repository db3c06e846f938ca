-- Writes down DDL that touches a moving schema; rolled back with it. By itself it never refuses, never fails it;
-- a schema migration's login has its changes carried over (`migration.carry`) or refused. Of others' changes new tables
-- and partitions are carried over, and not noted.
--
-- SECURITY DEFINER: whoever runs DDL need not know of our schema. The migration's own sessions are told
-- by their application_name; REFRESH MATERIALIZED VIEW changes no definition.
CREATE OR REPLACE FUNCTION waqiti_migration.notice_ddl() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $notice$
DECLARE
    application text := current_setting('application_name', true);
    carried text[] := '{}';
    deploy boolean := false;
    noted bigint := 0;
BEGIN
    IF starts_with(application, 'waqiti-migration') OR tg_tag IN ('REFRESH MATERIALIZED VIEW') THEN
        RETURN;
    END IF;
    IF to_regclass('waqiti_migration.ddl_logins') IS NOT NULL THEN
        deploy := EXISTS (SELECT FROM waqiti_migration.ddl_logins l WHERE l.role_name = session_user);
    END IF;
    IF deploy AND to_regprocedure('waqiti_migration.carry_ddl(text, text)') IS NOT NULL THEN
        carried := ARRAY(SELECT k.schema_name FROM waqiti_migration.carried_schemas k
                         WHERE waqiti_migration.carries(k.schema_name));
        PERFORM waqiti_migration.carry_ddl(tg_event, tg_tag);
    ELSIF NOT deploy AND to_regprocedure('waqiti_migration.carry_of_others(text, text)') IS NOT NULL THEN
        carried := waqiti_migration.carry_of_others(tg_event, tg_tag);
    END IF;
    -- A partition of a published table is published as it is made, however it is told of.
    IF tg_event = 'ddl_command_end' AND to_regprocedure('waqiti_migration.identify_partition(oid, text)') IS NOT NULL THEN
        BEGIN
            PERFORM waqiti_migration.identify_partition(r.oid, w.service)
            FROM (SELECT DISTINCT c.objid FROM pg_event_trigger_ddl_commands() c WHERE c.classid = 'pg_class'::regclass) t
            JOIN pg_class r ON r.relispartition
                 AND (r.oid = t.objid OR r.oid IN (SELECT h.inhrelid FROM pg_inherits h WHERE h.inhparent = t.objid))
            JOIN pg_namespace n ON n.oid = r.relnamespace
            JOIN waqiti_migration.watched_schemas w ON w.schema_name = n.nspname;
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING 'a partition has no replica identity yet: %', SQLERRM;
        END;
    END IF;
    BEGIN
        IF tg_event = 'sql_drop' THEN
            INSERT INTO waqiti_migration.ddl (schema_name, role_name, application, command, object, statement)
            SELECT DISTINCT w.schema_name, session_user, application, tg_tag,
                   format('%s %s', d.object_type, d.object_identity), left(current_query(), 2000)
            FROM pg_event_trigger_dropped_objects() d
            JOIN waqiti_migration.watched_schemas w
              ON w.schema_name = coalesce(d.schema_name, d.address_names[1])
            WHERE d.original AND NOT d.is_temporary AND w.schema_name <> ALL (carried);
            GET DIAGNOSTICS noted = ROW_COUNT;
        ELSIF tg_event = 'ddl_command_end' THEN
            INSERT INTO waqiti_migration.ddl (schema_name, role_name, application, command, object, statement)
            SELECT DISTINCT w.schema_name, session_user, application, c.command_tag,
                   format('%s %s', c.object_type, coalesce(c.object_identity, '')), left(current_query(), 2000)
            FROM pg_event_trigger_ddl_commands() c
            JOIN waqiti_migration.watched_schemas w
              ON w.schema_name = coalesce(
                  c.schema_name,
                  -- Triggers, policies and rules have none of their own, schemas are one: both stand first here.
                  CASE WHEN c.objid IS NOT NULL THEN
                      (pg_identify_object_as_address(c.classid, c.objid, c.objsubid)).object_names[1] END)
              OR (c.command_tag IN ('GRANT', 'REVOKE', 'ALTER DEFAULT PRIVILEGES')
                  AND position(w.schema_name IN current_query()) > 0)
            WHERE w.schema_name <> ALL (carried);
            GET DIAGNOSTICS noted = ROW_COUNT;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'a change of a schema could not be noted for the migration: %', SQLERRM;
    END;
    IF deploy AND noted > 0 AND current_setting('waqiti_migration.ddl', true) IS DISTINCT FROM 'note' THEN
        RAISE EXCEPTION '% is refused: the service is being copied, or is served by its own database by now', tg_tag
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Deploy again when `python -m migration start` has ended, through the service''s endpoint.';
    END IF;
END
$notice$
