-- owned by many
-- @source 15
-- @target 17
-- @setup
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hunt owner') THEN CREATE ROLE "hunt owner"; END IF; END $$;
SET search_path = user_schema; GRANT ALL ON SCHEMA user_schema TO "hunt owner";
CREATE TABLE t (id int PRIMARY KEY, v text); ALTER TABLE t OWNER TO "hunt owner"; CREATE TABLE u (id serial PRIMARY KEY); CREATE VIEW w AS SELECT * FROM t; ALTER VIEW w OWNER TO "hunt owner"; CREATE FUNCTION f() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM user_schema.t'; ALTER FUNCTION f() OWNER TO "hunt owner"; GRANT SELECT, INSERT, UPDATE ON t TO $APP; GRANT SELECT ON w TO $APP; INSERT INTO t VALUES (1, 'a');
-- @after
UPDATE t SET v = 'b'; SELECT f(); SELECT * FROM w
