-- not null named
-- @pair 15 18
-- @pair 17 18
-- @setup
SET search_path = user_schema;
CREATE TABLE a (id int CONSTRAINT my_nn NOT NULL, b int NOT NULL, "C d" text NOT NULL, PRIMARY KEY (id));
ALTER TABLE a RENAME COLUMN b TO bb; ALTER TABLE a RENAME TO aa;
CREATE TABLE a_b_not_null (id int PRIMARY KEY);
CREATE TABLE parted (id int NOT NULL, k text NOT NULL, v int) PARTITION BY LIST (k); CREATE TABLE p1 PARTITION OF parted FOR VALUES IN ('a'); CREATE TABLE p2 (v int NOT NULL, k text NOT NULL, id int NOT NULL); ALTER TABLE parted ATTACH PARTITION p2 FOR VALUES IN ('b');
ALTER TABLE parted ADD PRIMARY KEY (id, k);
CREATE DOMAIN nnd AS int NOT NULL DEFAULT 3 CONSTRAINT pos CHECK (VALUE > 0); CREATE TABLE dd (id int PRIMARY KEY, d nnd);
CREATE TABLE check_nn (id int PRIMARY KEY, x int CHECK (x IS NOT NULL), CONSTRAINT check_nn_id_not_null CHECK (id > 0));
INSERT INTO aa VALUES (1, 2, 'x'); INSERT INTO parted VALUES (1, 'a', NULL), (2, 'b', 3); INSERT INTO dd (id) VALUES (1); INSERT INTO check_nn VALUES (1, 1);
-- @after
INSERT INTO aa VALUES (2, 3, 'y'); INSERT INTO parted VALUES (3, 'a', 4); INSERT INTO dd (id) VALUES (2);
