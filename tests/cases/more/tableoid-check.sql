-- tableoid check
-- @source 15
-- @target 17
-- @setup
SET search_path = user_schema;
CREATE TABLE t (id int PRIMARY KEY, v text, CHECK (tableoid > 0)); INSERT INTO t (id) SELECT i FROM generate_series(1, 10) i;
-- @after
UPDATE t SET v = 'x' WHERE id = 3
