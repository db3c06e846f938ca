-- jobs that make, fill, detach and drop partitions, and a new table, while `start` copies: between the dump of the schema
-- and the snapshot (@dumped), and after the rows (@copied)
-- @setup
SET search_path = user_schema, public;
CREATE TABLE m (day date NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY, v text, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
CREATE TABLE m_2024 PARTITION OF m FOR VALUES FROM ('2024-01-01') TO ('2025-01-01'); CREATE TABLE m_2025 PARTITION OF m FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE m_2026 PARTITION OF m FOR VALUES FROM ('2026-01-01') TO ('2027-01-01'); CREATE INDEX ON m (v);
INSERT INTO m (day, v) SELECT '2024-06-01'::date + i, 'x' FROM generate_series(1, 900) i;
CREATE TABLE n (id int, v text) PARTITION BY LIST (id); CREATE TABLE n_1 PARTITION OF n FOR VALUES IN (1); CREATE TABLE n_0 (id int, v text); INSERT INTO n_0 VALUES (0, 'before');
-- @dumped
CREATE TABLE user_schema.m_2027 PARTITION OF user_schema.m FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
INSERT INTO user_schema.m (day, v) VALUES ('2027-05-05', 'before the snapshot'), ('2026-05-05', 'x');
CREATE TABLE user_schema.n_2 PARTITION OF user_schema.n FOR VALUES IN (2); INSERT INTO user_schema.n VALUES (2, 'a'), (2, 'b'); UPDATE user_schema.n SET v = 'c' WHERE v = 'a';
-- @copied
CREATE TABLE user_schema.m_2028 PARTITION OF user_schema.m FOR VALUES FROM ('2028-01-01') TO ('2029-01-01');
INSERT INTO user_schema.m (day, v) VALUES ('2027-06-06', 'after it'), ('2028-05-05', 'after it'); DELETE FROM user_schema.n WHERE v = 'b';
DROP TABLE user_schema.m_2024; ALTER TABLE user_schema.m DETACH PARTITION user_schema.m_2025; INSERT INTO user_schema.m_2025 (day, id, v) VALUES ('2025-01-09', 99999, 'detached');
ALTER TABLE user_schema.n ATTACH PARTITION user_schema.n_0 FOR VALUES IN (0); CREATE TABLE user_schema.fresh (id serial PRIMARY KEY, v text); INSERT INTO user_schema.fresh (v) VALUES ('new');
-- @during
INSERT INTO user_schema.m (day, v) VALUES ('2028-06-06', 'following'); UPDATE user_schema.n SET v = v || '!'; INSERT INTO user_schema.fresh (v) VALUES ('newer')
-- @writer
INSERT INTO m (day, v) VALUES ('2026-07-07', '$N')
-- @after
INSERT INTO m (day, v) VALUES ('2027-07-07', 'moved'); INSERT INTO fresh (v) VALUES ('newest'); DELETE FROM n WHERE id = 2
