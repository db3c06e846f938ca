-- regconfig new after
-- @source 15
-- @target 18
-- @setup
CREATE TABLE user_schema.t (id int PRIMARY KEY, c regconfig);
INSERT INTO user_schema.t VALUES (1, 'english');
-- @after
INSERT INTO t VALUES (100, 'estonian');
