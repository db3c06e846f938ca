-- infinite interval after
-- @source 15
-- @target 17
-- @setup
CREATE TABLE user_schema.t (id int PRIMARY KEY, i interval);
INSERT INTO user_schema.t SELECT i, i * interval '1 day' FROM generate_series(1, 20) i;
-- @after
INSERT INTO t VALUES (100, 'infinity');
