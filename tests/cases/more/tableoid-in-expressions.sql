-- tableoid in expressions
-- @source 15
-- @target 17
-- @setup
SET search_path = user_schema;
CREATE TABLE t (id int PRIMARY KEY, o oid GENERATED ALWAYS AS (tableoid) STORED, v text); INSERT INTO t (id) SELECT i FROM generate_series(1, 10) i;
-- @refused .
