-- enum order and new value
-- @source 15
-- @target 17
-- @setup
SET search_path = user_schema;
CREATE TYPE st AS ENUM ('a', 'b'); CREATE TABLE t (id int PRIMARY KEY, s st); CREATE INDEX ON t (s) WHERE s > 'a'; INSERT INTO t SELECT i, 'a' FROM generate_series(1, 10) i;
-- @during
ALTER TYPE user_schema.st ADD VALUE 'c' AFTER 'a';
-- @during
INSERT INTO user_schema.t VALUES (50, 'c');
-- @stopped .
