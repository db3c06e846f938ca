-- a job drops the oldest partition, or detaches and keeps it, while the service follows; then makes and drops some in the
-- service's own database, while the shared one follows
-- @setup
SET search_path = user_schema, public;
CREATE TABLE m (day date NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY, v text) PARTITION BY RANGE (day);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM ('2024-01-01') TO ('2025-01-01'); CREATE TABLE m_2 PARTITION OF m FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE m_3 PARTITION OF m FOR VALUES FROM ('2026-01-01') TO ('2027-01-01'); CREATE INDEX ON m (v);
CREATE TABLE w (id int PRIMARY KEY, v text); INSERT INTO w VALUES (1, 'x');
CREATE TABLE kinds (v text PRIMARY KEY); INSERT INTO kinds VALUES ('x'); ALTER TABLE m ADD FOREIGN KEY (v) REFERENCES kinds;
INSERT INTO m (day, v) SELECT '2024-06-01'::date + i, 'x' FROM generate_series(1, 600) i;
-- @during
DROP TABLE user_schema.m_1; ALTER TABLE user_schema.m DETACH PARTITION user_schema.m_2; INSERT INTO user_schema.m_2 (day, id, v) VALUES ('2025-01-09', 99999, 'x');
-- @own
SET ROLE test_user_owner; DROP TABLE user_schema.m_2;
CREATE TABLE user_schema.m_4 PARTITION OF user_schema.m FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
INSERT INTO user_schema.m (day, v) VALUES ('2027-02-02', 'x'), ('2027-02-03', 'x'); UPDATE user_schema.m SET day = '2027-03-03' WHERE day = '2027-02-02';
CREATE TABLE user_schema.m_5 (LIKE user_schema.m); ALTER TABLE user_schema.m ATTACH PARTITION user_schema.m_5 DEFAULT; INSERT INTO user_schema.m (day, v) VALUES ('2028-02-02', 'x');
-- @writer
UPDATE w SET v = '$N'
