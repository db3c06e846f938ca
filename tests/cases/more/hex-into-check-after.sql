-- hex into check after
-- @source 15
-- @target 17
-- @setup
CREATE TABLE user_schema.t (id int PRIMARY KEY, c text CHECK (c::int > 0));
CREATE INDEX ON user_schema.t ((c::numeric));
INSERT INTO user_schema.t (id, c) VALUES (1, '12');
-- @after
INSERT INTO t (id, c) VALUES (100, '1_000');
