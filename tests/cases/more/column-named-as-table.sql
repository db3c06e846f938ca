-- column named as table
-- @source 15
-- @target 17
-- @setup
SET search_path = user_schema;
CREATE TABLE t (id int PRIMARY KEY, t text, image text, hash1 bigint, key text, s int, value int, "left" text, r text, low int);
INSERT INTO t SELECT i, 'a', 'b', i, 'c', 1, 2, 'd', 'r', 3 FROM generate_series(1, 30) i;
CREATE TABLE k (k text PRIMARY KEY, n int); INSERT INTO k VALUES ('a', 1), ('b', 2);
CREATE TABLE nokey (nokey text, x int); INSERT INTO nokey VALUES ('a', 1), ('a', 1), (NULL, NULL);
-- @during
UPDATE user_schema.t SET t = 'q' WHERE id = 5; UPDATE user_schema.nokey SET x = 2 WHERE nokey IS NULL;
-- @after
UPDATE t SET image = 'w' WHERE id = 6; DELETE FROM k WHERE k = 'a'; UPDATE nokey SET x = 7;
