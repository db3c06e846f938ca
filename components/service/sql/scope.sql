-- Keeps each schema migrations' login of the shared database to the schema of its service: the role that owns
-- the objects there may own those of all services.
CREATE TABLE IF NOT EXISTS waqiti_migration.ddl_logins (
    role_name text PRIMARY KEY,
    schema_name text NOT NULL
);
CREATE OR REPLACE FUNCTION waqiti_migration.keep_to_schema() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $keep$
DECLARE
    own text := (SELECT l.schema_name FROM waqiti_migration.ddl_logins l WHERE l.role_name = session_user);
    other text;
BEGIN
    IF own IS NULL THEN
        RETURN;
    END IF;
    IF tg_event = 'sql_drop' THEN
        SELECT d.object_identity INTO other
        FROM pg_event_trigger_dropped_objects() d
        WHERE d.original AND NOT d.is_temporary
          AND coalesce(d.schema_name, d.address_names[1]) IS DISTINCT FROM own
        LIMIT 1;
    ELSIF tg_tag IN ('GRANT', 'REVOKE', 'ALTER DEFAULT PRIVILEGES') THEN
        -- Of these PostgreSQL says the kind of object only.
        SELECT l.schema_name INTO other
        FROM waqiti_migration.ddl_logins l
        WHERE l.schema_name <> own AND position(l.schema_name IN current_query()) > 0
        LIMIT 1;
    ELSE
        SELECT format('%s %s', c.object_type, c.object_identity) INTO other
        FROM pg_event_trigger_ddl_commands() c
        WHERE coalesce(
                  c.schema_name,
                  (pg_identify_object_as_address(c.classid, c.objid, c.objsubid)).object_names[1],
                  '') NOT IN (own, 'pg_temp')
        LIMIT 1;
    END IF;
    IF other IS NOT NULL THEN
        RAISE EXCEPTION 'the role % may change the schema % alone, and % is not in it', session_user, own, other
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Change it with the login of the service that it belongs to, or as an administrator.';
    END IF;
END
$keep$;
REVOKE EXECUTE ON FUNCTION waqiti_migration.keep_to_schema() FROM PUBLIC
