-- partitions with odd parts
-- @pair 15 17
-- @pair 15 18
-- @setup
SET search_path = user_schema;
CREATE TABLE p (gone int, id int, k text, at date, v text) PARTITION BY RANGE (at); ALTER TABLE p DROP gone;
CREATE TABLE p_old (v text, x int, at date, k text, id int); ALTER TABLE p_old DROP x; ALTER TABLE p ATTACH PARTITION p_old FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE p_new PARTITION OF p FOR VALUES FROM ('2024-01-01') TO (MAXVALUE) PARTITION BY LIST (lower(k)); CREATE TABLE p_new_a PARTITION OF p_new FOR VALUES IN ('a', NULL); CREATE TABLE p_new_d PARTITION OF p_new DEFAULT PARTITION BY HASH (id); CREATE TABLE h0 PARTITION OF p_new_d FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE h1 PARTITION OF p_new_d FOR VALUES WITH (MODULUS 2, REMAINDER 1);
ALTER TABLE p_old ALTER v SET DEFAULT 'old'; CREATE INDEX ON p (v); CREATE INDEX only_old ON p_old (k);
CREATE TABLE pk (id int, r int, PRIMARY KEY (id, r)) PARTITION BY RANGE (id, r); CREATE TABLE pk1 PARTITION OF pk FOR VALUES FROM (1, MINVALUE) TO (10, 5); CREATE TABLE refs (id int PRIMARY KEY, a int, b int, FOREIGN KEY (a, b) REFERENCES pk);
INSERT INTO p (id, k, at, v) SELECT i, CASE i % 3 WHEN 0 THEN 'A' WHEN 1 THEN NULL ELSE 'z' END, date '2023-12-20' + i, 'v' FROM generate_series(1, 60) i; INSERT INTO pk VALUES (1, 1), (2, 2); INSERT INTO refs VALUES (1, 1, 1);
-- @during
UPDATE user_schema.p SET at = at + 40 WHERE id < 10; UPDATE user_schema.p SET k = 'A' WHERE id = 50;
-- @after
UPDATE p SET at = at - 100 WHERE id > 50; DELETE FROM p WHERE k IS NULL; INSERT INTO p VALUES (1000, 'q', '2025-01-01', 'w'); UPDATE pk SET r = 4 WHERE id = 2;
