-- What an owner may: REFRESH and TRUNCATE are granted, ALTER SEQUENCE runs as the owner.
-- @setup
SET ROLE $APP;
CREATE TABLE user_schema.t (id int PRIMARY KEY); CREATE TABLE user_schema.scratch (id int); CREATE SEQUENCE user_schema.s;
CREATE MATERIALIZED VIEW user_schema.m AS SELECT 1 AS n;
CREATE FUNCTION user_schema.again() RETURNS void LANGUAGE plpgsql AS $$
BEGIN REFRESH MATERIALIZED VIEW user_schema.m; TRUNCATE user_schema.scratch; ALTER SEQUENCE user_schema.s RESTART; END $$;
RESET ROLE;
-- @refused again\(\) -> ALTER SEQUENCE
-- @remedy ALTER ROUTINE "user_schema"."again"() SECURITY DEFINER
-- @writer INSERT INTO user_schema.t VALUES (100 + $N)
-- @after
SELECT user_schema.again(); REFRESH MATERIALIZED VIEW user_schema.m; TRUNCATE user_schema.scratch
