-- jsonpath column after
-- @source 15
-- @target 17
-- @setup
CREATE TABLE user_schema.t (id int PRIMARY KEY, p jsonpath);
INSERT INTO user_schema.t VALUES (1, '$.a ? (@ > 1)');
-- @after
INSERT INTO t VALUES (100, '$.a.bigint()');
