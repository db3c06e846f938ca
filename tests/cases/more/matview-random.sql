-- matview random
-- @source 15
-- @target 17
-- @setup
SET search_path = user_schema;
CREATE TABLE t (id int PRIMARY KEY, b text); INSERT INTO t VALUES (1, 'a'), (2, 'b');
CREATE MATERIALIZED VIEW m AS SELECT id, b, now() AS at, random() AS r FROM t;
-- @after
INSERT INTO t VALUES (100, 'c')
