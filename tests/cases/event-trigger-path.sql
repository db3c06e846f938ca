-- an event trigger of theirs that notes DDL in a table named without its schema: found by the path of any session
-- @setup
CREATE TABLE user_schema.t (id int PRIMARY KEY, v text); INSERT INTO user_schema.t SELECT i, 'v' FROM generate_series(1, 20) i;
CREATE TABLE public.ddl_log (what text);
CREATE FUNCTION public.log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO ddl_log VALUES (tg_tag); END';
CREATE EVENT TRIGGER log_ddl ON ddl_command_end EXECUTE FUNCTION public.log_ddl();
-- @writer
UPDATE t SET v = '$N' WHERE id = 2
