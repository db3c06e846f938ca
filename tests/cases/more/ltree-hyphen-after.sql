-- ltree hyphen after
-- @source 15
-- @target 17
-- @setup
CREATE EXTENSION ltree SCHEMA public;
CREATE TABLE user_schema.t (id int PRIMARY KEY, p public.ltree);
INSERT INTO user_schema.t VALUES (1, 'a.b');
-- @late
CREATE EXTENSION ltree SCHEMA public;
-- @after
INSERT INTO t VALUES (100, 'a-b.c');
