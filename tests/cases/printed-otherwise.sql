-- what PostgreSQL prints otherwise once it was read back, and names that became keywords: no difference of schemas
-- @source 15
-- @target 17
-- @setup
CREATE DOMAIN user_schema.code AS varchar(9) CHECK (VALUE IN ('A', 'B') AND VALUE BETWEEN 'A' AND 'B' AND VALUE <> 'C');
CREATE TABLE user_schema.t (
    id int PRIMARY KEY, s varchar(9) CHECK (s IN ('A', 'B')), a int, c user_schema.code, system_user text DEFAULT 'x',
    json json, g boolean GENERATED ALWAYS AS (s IN ('A', 'B') AND a BETWEEN 1 AND 5) STORED,
    CHECK (a BETWEEN 1 AND 5 AND a <> 3), CHECK (system_user <> 'q'));
CREATE INDEX ON user_schema.t (lower(s), (s IN ('A', 'B'))) WHERE s IN ('A', 'B') AND a BETWEEN 1 AND 5 AND a <> 3;
CREATE TYPE user_schema.merge_action AS (json_value int, json_table text);
CREATE TABLE user_schema.u (id int, action user_schema.merge_action);
CREATE FUNCTION user_schema.f(json_value int, json int DEFAULT 2) RETURNS boolean LANGUAGE sql
    RETURN json_value BETWEEN 1 AND 5 AND json <> 3;
CREATE FUNCTION user_schema.h() RETURNS void LANGUAGE sql
    BEGIN ATOMIC UPDATE user_schema.t AS i SET a = 2 WHERE i.s IN ('A', 'B') AND i.a <> 2; END;
INSERT INTO user_schema.t SELECT i, 'A', 1 + i % 2, 'B', 'x', '{"a": 1}' FROM generate_series(1, 20) i;
INSERT INTO user_schema.u VALUES (1, ROW(1, 'x')), (2, NULL);
-- @during
INSERT INTO user_schema.u VALUES (3, ROW(3, 'y'));
-- @writer
UPDATE t SET s = CASE s WHEN 'A' THEN 'B' ELSE 'A' END WHERE id = 3
-- @after
SELECT user_schema.h()
-- @check
SELECT (SELECT count(*) FROM user_schema.t WHERE user_schema.f(a)), (SELECT count(*) FROM user_schema.u)
