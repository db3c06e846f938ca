-- partitions: other order of columns, dropped ones, NULL, default, hash, levels, row movement
-- @setup
SET search_path = user_schema, public;
CREATE TABLE p (x int, gone int, id int, k text, d date) PARTITION BY LIST (k); ALTER TABLE p DROP gone;
CREATE TABLE p_a PARTITION OF p FOR VALUES IN ('a', NULL); CREATE TABLE p_b (d date, k text, junk int, id int, x int); ALTER TABLE p_b DROP junk; ALTER TABLE p ATTACH PARTITION p_b FOR VALUES IN ('b');
CREATE TABLE p_def PARTITION OF p DEFAULT PARTITION BY HASH (id); CREATE TABLE p_h0 PARTITION OF p_def FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE p_h1 PARTITION OF p_def FOR VALUES WITH (MODULUS 2, REMAINDER 1);
ALTER TABLE p_b ALTER x SET DEFAULT 9; CREATE INDEX ON p_b (x); CREATE INDEX ON p (id); ALTER TABLE p_a ADD PRIMARY KEY (id);
INSERT INTO p SELECT i, i, (ARRAY['a', 'b', NULL, 'c'])[1 + i % 4], '2026-01-01'::date + i FROM generate_series(1, 40) i;
CREATE TABLE w (id int, t timestamptz, v text, PRIMARY KEY (id, t)) PARTITION BY RANGE (t, id);
CREATE TABLE w1 PARTITION OF w FOR VALUES FROM (MINVALUE, MINVALUE) TO ('2026-01-01 00:00+00', 5); CREATE TABLE w2 PARTITION OF w FOR VALUES FROM ('2026-01-01 00:00+00', 5) TO ('2027-01-01', MAXVALUE);
INSERT INTO w VALUES (1, '2025-01-01', 'a'), (6, '2026-06-01', 'b');
CREATE TABLE f (id int PRIMARY KEY, wid int, wt timestamptz, FOREIGN KEY (wid, wt) REFERENCES w ON UPDATE CASCADE); INSERT INTO f VALUES (1, 6, '2026-06-01');
CREATE TABLE e (lower_ text) PARTITION BY LIST (lower(lower_)); CREATE TABLE e1 PARTITION OF e FOR VALUES IN ('x'); INSERT INTO e VALUES ('X'), ('x');
CREATE TABLE bo (b boolean, n numeric, PRIMARY KEY (b, n)) PARTITION BY LIST (b); CREATE TABLE bo_t PARTITION OF bo FOR VALUES IN (true) PARTITION BY RANGE (n); CREATE TABLE bo_t1 PARTITION OF bo_t FOR VALUES FROM (-1.50) TO (1e10); INSERT INTO bo VALUES (true, 0);
-- @during
UPDATE user_schema.p SET k = 'b' WHERE id = 4; UPDATE user_schema.p SET k = 'zzz' WHERE id = 5; UPDATE user_schema.w SET t = '2025-02-02' WHERE id = 6; TRUNCATE user_schema.p_h1; INSERT INTO user_schema.p (id, k) VALUES (900, 'b');
-- @writer
UPDATE p SET x = $N WHERE id = 8
-- @after
UPDATE p SET k = 'a' WHERE id = 9; UPDATE w SET t = '2026-02-02' WHERE id = 6; INSERT INTO p (id, k) VALUES (901, 'b')
