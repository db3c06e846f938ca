-- an event trigger that writes to a table of a service at some DDL only: the migration has such, too, while the table is closed
-- @flow plan
-- @setup
SET search_path = user_schema, public;
CREATE TABLE ddl_log (at timestamptz DEFAULT now(), tag text, obj text); CREATE TABLE t (id int PRIMARY KEY, v text);
CREATE FUNCTION le() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO user_schema.ddl_log (tag, obj) SELECT tg_tag, object_identity FROM pg_event_trigger_ddl_commands(); END $$;
CREATE EVENT TRIGGER le ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE') EXECUTE FUNCTION user_schema.le();
CREATE EVENT TRIGGER other ON ddl_command_end WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION user_schema.le();
-- @refused event trigger le writes to table user_schema.ddl_log, which a service's move closes
-- @remedy ALTER EVENT TRIGGER "le" DISABLE
