-- keys of every kind
-- @source 15
-- @target 17
-- @setup
SET search_path = user_schema;
CREATE TABLE a (x int, y int, v text, PRIMARY KEY (x, y) INCLUDE (v));
CREATE TABLE b (id int PRIMARY KEY, x int, y int, FOREIGN KEY (x, y) REFERENCES a MATCH FULL ON DELETE SET NULL (x, y) DEFERRABLE INITIALLY DEFERRED, parent int REFERENCES b ON UPDATE CASCADE);
CREATE TABLE c (id int PRIMARY KEY, u text UNIQUE NULLS NOT DISTINCT, d int); CREATE TABLE d (id int PRIMARY KEY, c int REFERENCES c); ALTER TABLE c ADD FOREIGN KEY (d) REFERENCES d DEFERRABLE; CREATE TABLE e (a text NOT NULL, b text NOT NULL, n int); CREATE UNIQUE INDEX ON e (b, a DESC NULLS LAST) INCLUDE (n);
CREATE TABLE f (code text COLLATE "C", n int); CREATE UNIQUE INDEX ON f (code text_pattern_ops); ALTER TABLE f ALTER code SET NOT NULL; CREATE TABLE g (id uuid DEFAULT gen_random_uuid() PRIMARY KEY, at timestamptz DEFAULT now());
INSERT INTO a VALUES (1, 1, 'a'), (2, 2, 'b'); INSERT INTO b VALUES (1, 1, 1, NULL), (2, NULL, NULL, 1); INSERT INTO c VALUES (1, NULL, NULL); INSERT INTO d VALUES (1, 1); UPDATE c SET d = 1; INSERT INTO e VALUES ('a', 'b', 1); INSERT INTO f VALUES ('a', 1), ('B', 2); INSERT INTO g SELECT FROM generate_series(1, 10);
-- @during
UPDATE user_schema.e SET n = 2; UPDATE user_schema.f SET n = 3 WHERE code = 'a'; DELETE FROM user_schema.a WHERE x = 1;
-- @after
UPDATE b SET id = 10 WHERE id = 1; UPDATE f SET code = 'c' WHERE n = 2; UPDATE e SET a = 'z'; INSERT INTO g DEFAULT VALUES;
