-- numbers of reg* columns that nothing has any more: in another database something may
-- @flow plan
-- @setup
SET search_path = user_schema, public;
CREATE TABLE gone (a int); CREATE TABLE later (a int); CREATE FUNCTION gf(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TABLE r (id int PRIMARY KEY, c regclass, cs regclass[], f regprocedure, t regtype, o oid);
INSERT INTO r VALUES (1, 'gone', '{gone,r}', 'gf(int)', 'gone', 'gone'::regclass), (2, 'later', NULL, NULL, NULL, NULL), (3, 0, '{0}', 0, 0, 0), (4, 4294967295, '{4294967295}', 77777, 88888, 0);
DROP TABLE gone; DROP FUNCTION gf(int);
-- @refused user_schema\.r\.c \(regclass\) names oid \d+, which nothing has any more, so that it may name another
-- @refused user_schema\.r\.cs \(regclass\[\]\) names oid
-- @refused user_schema\.r\.f \(regprocedure\) names oid
-- @refused user_schema\.r\.t \(regtype\) names oid
-- @remedy
ALTER TABLE user_schema.r ALTER COLUMN c TYPE text
-- @remedy
ALTER TABLE user_schema.r ALTER COLUMN cs TYPE text[] USING cs::text[]
-- @remedy
ALTER TABLE user_schema.r ALTER COLUMN f TYPE text
-- @remedy
ALTER TABLE user_schema.r ALTER COLUMN t TYPE text
