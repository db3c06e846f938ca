-- foreign keys not valid
-- @source 15
-- @target 17
-- @setup
SET search_path = user_schema;
CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, a int); INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 1), (2, 99); ALTER TABLE b ADD FOREIGN KEY (a) REFERENCES a NOT VALID; ALTER TABLE b ADD CHECK (id > 1) NOT VALID; ALTER TABLE b DISABLE TRIGGER USER;
-- @during
INSERT INTO user_schema.b VALUES (5, 1); DELETE FROM user_schema.b WHERE id = 2;
-- @after
INSERT INTO b VALUES (6, 1); UPDATE b SET a = NULL WHERE id = 5
