-- deferrable key
-- @source 15
-- @target 17
-- @setup
CREATE TABLE user_schema.t (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v text);
CREATE TABLE user_schema.u (id int PRIMARY KEY, pos int NOT NULL UNIQUE DEFERRABLE);
INSERT INTO user_schema.t SELECT i, 'x' FROM generate_series(1, 20) i;
INSERT INTO user_schema.u SELECT i, i FROM generate_series(1, 20) i;
-- @during
UPDATE user_schema.u SET pos = 21 - pos;
-- @after
UPDATE u SET pos = pos + 1; UPDATE t SET v = 'y' WHERE id = 3; UPDATE t SET id = id + 1;
