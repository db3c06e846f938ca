-- an event trigger of theirs that names a table of a service's schema without it: fails in any session of an administrator
-- @setup
CREATE TABLE user_schema.t (id int PRIMARY KEY, v text); INSERT INTO user_schema.t SELECT i, 'v' FROM generate_series(1, 20) i;
CREATE TABLE user_schema.ddl_log (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text);
CREATE FUNCTION public."log DDL"() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO ddl_log (what) VALUES (tg_tag); END';
CREATE EVENT TRIGGER "log" ON ddl_command_end WHEN TAG IN ('CREATE PUBLICATION', 'ALTER TABLE') EXECUTE FUNCTION public."log DDL"();
-- @refused the event trigger log of the shared database fails .*public."log DDL"\(\): relation "ddl_log" does not exist
-- @remedy ALTER FUNCTION public."log DDL"() SET search_path = user_schema, pg_temp
-- @refused event trigger log writes to table user_schema.ddl_log, which a service's move closes
-- @remedy ALTER EVENT TRIGGER "log" DISABLE
-- @writer
UPDATE t SET v = '$N' WHERE id = 2
