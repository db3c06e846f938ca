-- key updates
-- @source 15
-- @target 17
-- @setup
SET search_path = user_schema;
CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (a int PRIMARY KEY REFERENCES a ON UPDATE CASCADE ON DELETE CASCADE, w text); INSERT INTO a SELECT i, 'x' FROM generate_series(1, 20) i; INSERT INTO b SELECT i, 'y' FROM generate_series(1, 20) i;
CREATE TABLE c (x float8 PRIMARY KEY, v text); INSERT INTO c VALUES (0.1, 'a'), ('NaN', 'b'), ('-0', 'c'), (1e300, 'd'); CREATE TABLE d (x numeric PRIMARY KEY, v text); INSERT INTO d VALUES (1.50, 'a'), ('NaN', 'b'), (0.000, 'c'); CREATE TABLE e (x char(5) PRIMARY KEY, v text); INSERT INTO e VALUES ('a', '1'), ('b  ', '2');
-- @during
UPDATE user_schema.a SET id = id + 100 WHERE id < 5; UPDATE user_schema.c SET v = 'z', x = 0 WHERE x = 0; UPDATE user_schema.d SET x = 1.5000 WHERE v = 'a';
-- @after
UPDATE a SET id = id + 200 WHERE id < 10; DELETE FROM a WHERE id > 300; UPDATE c SET x = '-0' WHERE x = 0; UPDATE d SET x = 1.5 WHERE v = 'a'; UPDATE d SET v = 'q' WHERE x = 'NaN'; UPDATE c SET v = 'q' WHERE x = 'NaN'; UPDATE e SET v = '9' WHERE x = 'a'
