-- char high byte
-- @source 15
-- @target 17
-- @setup
CREATE TABLE user_schema.t (id int PRIMARY KEY, c "char");
INSERT INTO user_schema.t SELECT i, i::"char" FROM generate_series(1, 127) i;
INSERT INTO user_schema.t SELECT 1000 - i, i::"char" FROM generate_series(-128, -1) i;
-- @after
INSERT INTO t VALUES (2000, '\351');
