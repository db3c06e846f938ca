-- the runner itself: a table, written to and changed all the way
-- @setup
CREATE TABLE user_schema.t (id int PRIMARY KEY, v text);
INSERT INTO user_schema.t SELECT i, 'v' FROM generate_series(1, 20) i;
-- @during
UPDATE user_schema.t SET v = 'during' WHERE id = 2;
-- @writer
UPDATE t SET v = '$N' WHERE id = 3
-- @after
UPDATE t SET v = 'after' WHERE id = 4
