-- sequences unlogged and apart
-- @source 15
-- @target 17
-- @setup
SET search_path = user_schema;
CREATE UNLOGGED SEQUENCE us; CREATE SEQUENCE down INCREMENT -1 MAXVALUE 100 START 100; CREATE SEQUENCE of_other; CREATE TABLE t (id int PRIMARY KEY DEFAULT nextval('us'), v int DEFAULT nextval('down'), w int DEFAULT nextval('of_other'::regclass) + 100); ALTER SEQUENCE of_other OWNED BY t.id; CREATE TABLE loaded (id int PRIMARY KEY, nr int DEFAULT currval('user_schema.us'));
GRANT ALL ON ALL SEQUENCES IN SCHEMA user_schema TO $APP; GRANT ALL ON ALL TABLES IN SCHEMA user_schema TO $APP;
INSERT INTO t SELECT FROM generate_series(1, 10);
-- @after
INSERT INTO t DEFAULT VALUES; INSERT INTO t DEFAULT VALUES
