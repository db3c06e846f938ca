-- Writes down DDL that touches a moving schema; rolled back with it. Never refuses, never fails it.
--
-- SECURITY DEFINER: whoever runs DDL need not know of our schema. The migration's own sessions are told
-- by their application_name; REFRESH MATERIALIZED VIEW changes no definition.
CREATE OR REPLACE FUNCTION waqiti_migration.notice_ddl() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $notice$
DECLARE
    application text := current_setting('application_name', true);
BEGIN
    IF starts_with(application, 'waqiti-migration') OR tg_tag IN ('REFRESH MATERIALIZED VIEW') THEN
        RETURN;
    END IF;
    IF tg_event = 'sql_drop' THEN
        INSERT INTO waqiti_migration.ddl (schema_name, role_name, application, command, object, statement)
        SELECT DISTINCT w.schema_name, session_user, application, tg_tag,
               format('%s %s', d.object_type, d.object_identity), left(current_query(), 2000)
        FROM pg_event_trigger_dropped_objects() d
        JOIN waqiti_migration.watched_schemas w
          ON w.schema_name = coalesce(d.schema_name, d.address_names[1])
        WHERE d.original AND NOT d.is_temporary;
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
              AND position(w.schema_name IN current_query()) > 0);
    END IF;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'a change of a schema could not be noted for the migration: %', SQLERRM;
END
$notice$
