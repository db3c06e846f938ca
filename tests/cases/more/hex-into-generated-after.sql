-- hex into generated after
-- @source 15
-- @target 17
-- @setup
CREATE TABLE user_schema.t (id int PRIMARY KEY, c text, n int GENERATED ALWAYS AS (c::int) STORED);
INSERT INTO user_schema.t (id, c) VALUES (1, '12');
-- @after
INSERT INTO t (id, c) VALUES (100, '0x1F');
