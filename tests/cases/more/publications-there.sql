-- publications there
-- @source 15
-- @target 17
-- @setup
CREATE TABLE user_schema.t (id int PRIMARY KEY, v text, w int); INSERT INTO user_schema.t SELECT i, 'x', i FROM generate_series(1, 20) i;
CREATE PUBLICATION everything FOR ALL TABLES; CREATE PUBLICATION some FOR TABLE user_schema.t (id, v) WHERE (id > 5); CREATE PUBLICATION ins FOR TABLES IN SCHEMA user_schema WITH (publish = 'insert');
-- @writer
UPDATE t SET v = '$N' WHERE id = 7
-- @after
UPDATE t SET w = 3 WHERE id = 2
