-- PostgreSQL 18 release notes: a publisher refuses UPDATE where the whole row is the identity and has generated columns
-- @source 17
-- @target 18
-- @setup
CREATE TABLE user_schema.lines (words text, loud text GENERATED ALWAYS AS (words || '!') STORED);
INSERT INTO user_schema.lines SELECT 'w' || i FROM generate_series(1, 20) i;
CREATE TABLE user_schema.whole (id int PRIMARY KEY, v text, loud text GENERATED ALWAYS AS (v || '!') STORED);
ALTER TABLE user_schema.whole REPLICA IDENTITY FULL;
INSERT INTO user_schema.whole SELECT i, 'v' FROM generate_series(1, 20) i;
-- @refused table user_schema.lines cannot be replicated.*PostgreSQL 18 refuses them
-- @refused table user_schema.whole cannot be replicated.*its replica identity is FULL
-- @remedy
ALTER TABLE user_schema.lines ADD COLUMN row_id bigint GENERATED ALWAYS AS IDENTITY UNIQUE
-- @remedy
ALTER TABLE user_schema.whole REPLICA IDENTITY USING INDEX whole_pkey
-- @during
UPDATE user_schema.lines SET words = 'x' WHERE words = 'w3'; UPDATE user_schema.whole SET v = 'x' WHERE id = 3;
-- @after
UPDATE lines SET words = 'y' WHERE words = 'w4'; UPDATE whole SET v = 'y' WHERE id = 4; DELETE FROM lines WHERE words = 'w5';
