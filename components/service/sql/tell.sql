-- Tells `python -m migration`, while it moves the service, of each change of the schema that is made here.
--
-- It runs with the rights of whoever makes the change, and calls what is the migration's for the objects' owner alone,
-- who may do less than the migration may: nobody's rights grow by it.
CREATE SCHEMA IF NOT EXISTS waqiti_ddl;
CREATE OR REPLACE FUNCTION waqiti_ddl.tell() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $tell$
BEGIN
    IF session_user = {role} AND EXISTS (
        SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 'waqiti_migration' AND p.proname = 'carry_ddl')
    THEN
        EXECUTE 'SELECT waqiti_migration.carry_ddl($1, $2)' USING tg_event, tg_tag;
    -- Jobs that make and drop partitions, for example, as the owner; session_user is another then.
    ELSIF session_user <> {role} AND EXISTS (
        SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 'waqiti_migration' AND p.proname = 'carry_of_others'
          AND has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE'))
    THEN
        EXECUTE 'SELECT waqiti_migration.carry_of_others($1, $2)' USING tg_event, tg_tag;
    END IF;
END
$tell$
