-- replica identities: nothing, by index, over expressions, partial, nulls not distinct, include
-- @setup
SET search_path = user_schema, public;
CREATE TABLE a (x int NOT NULL, y int); CREATE UNIQUE INDEX a_expr ON a ((x + 1)); CREATE UNIQUE INDEX a_part ON a (x) WHERE y > 0; INSERT INTO a SELECT i, i FROM generate_series(1, 10) i;
CREATE TABLE b (x int NOT NULL, y int, v text); CREATE UNIQUE INDEX b_inc ON b (x) INCLUDE (y); ALTER TABLE b REPLICA IDENTITY USING INDEX b_inc; INSERT INTO b SELECT i, i, 'x' FROM generate_series(1, 10) i;
CREATE TABLE c (x int UNIQUE NULLS NOT DISTINCT, v text); INSERT INTO c VALUES (NULL, 'n'), (1, 'one');
CREATE TABLE d (x int PRIMARY KEY, v text); ALTER TABLE d REPLICA IDENTITY NOTHING; INSERT INTO d VALUES (1, 'x');
CREATE TABLE e (x int PRIMARY KEY, v text); ALTER TABLE e REPLICA IDENTITY FULL; INSERT INTO e VALUES (1, 'x');
CREATE TABLE z (); INSERT INTO z DEFAULT VALUES; INSERT INTO z DEFAULT VALUES;
CREATE TABLE n (a int, b text); INSERT INTO n VALUES (NULL, NULL), (NULL, NULL), (1, NULL);
CREATE TABLE dd (x int NOT NULL, gone int, y int NOT NULL, UNIQUE (y, x)); ALTER TABLE dd DROP gone; INSERT INTO dd VALUES (1, 2), (2, 1);
-- @during
UPDATE user_schema.a SET y = -1 WHERE x = 3; UPDATE user_schema.b SET v = 'y' WHERE x = 4; UPDATE user_schema.c SET v = 'm' WHERE x IS NULL; UPDATE user_schema.e SET v = 'y'; INSERT INTO user_schema.z DEFAULT VALUES; UPDATE user_schema.n SET b = 'q' WHERE a = 1; DELETE FROM user_schema.n WHERE ctid = '(0,1)'; UPDATE user_schema.dd SET x = 5 WHERE x = 2;
-- @after
UPDATE a SET y = -2 WHERE x = 5; UPDATE b SET v = 'z' WHERE x = 5; UPDATE c SET v = 'o' WHERE x IS NULL; UPDATE e SET v = 'z'; INSERT INTO z DEFAULT VALUES; UPDATE n SET b = 'r' WHERE a = 1; UPDATE dd SET x = 6 WHERE x = 5
