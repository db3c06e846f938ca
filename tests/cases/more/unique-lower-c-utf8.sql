-- unique lower c utf8
-- @source 17
-- @target 18
-- @setup
SET search_path = user_schema;
CREATE TABLE t (id int PRIMARY KEY, m text); CREATE UNIQUE INDEX ON t (lower(m)); CREATE INDEX ON t (upper(m) text_pattern_ops); INSERT INTO t SELECT i, 'M' || i || 'É' FROM generate_series(1, 30) i;
-- @after
INSERT INTO t VALUES (100, 'NEW')
