-- oids in expressions
-- @source 15
-- @target 17
-- @setup
SET search_path = user_schema;
CREATE TABLE o (id int PRIMARY KEY); CREATE TYPE en AS ENUM ('b', 'a');
CREATE TABLE t (id int PRIMARY KEY, e en, k regclass DEFAULT 'user_schema.o'::regclass, h int GENERATED ALWAYS AS (hashenum(e)) STORED); INSERT INTO t (id, e) SELECT i, 'a' FROM generate_series(1, 10) i;
-- @refused .
