-- statements of applications
-- @pair 15 17
-- @pair 17 18
-- @setup
SET search_path = user_schema;
CREATE TABLE t (id int PRIMARY KEY, v text UNIQUE, n int DEFAULT 0); INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 50) i;
GRANT ALL ON ALL TABLES IN SCHEMA user_schema TO $APP;
-- @writer
INSERT INTO t VALUES (7, 'v7', 1) ON CONFLICT (id) DO UPDATE SET n = t.n + 1
-- @after
MERGE INTO t USING (VALUES (1, 'm'), (500, 'new')) s (id, v) ON t.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v, 9); WITH d AS (DELETE FROM t WHERE id BETWEEN 10 AND 12 RETURNING *), i AS (INSERT INTO t SELECT id + 1000, v || 'x', n FROM d RETURNING id) SELECT * FROM i; INSERT INTO t VALUES (2, 'v3', 5) ON CONFLICT DO NOTHING; UPDATE t SET v = t2.v || '!' FROM t t2 WHERE t2.id = t.id + 1 AND t.id = 20; SELECT * FROM t ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED; UPDATE t SET (v, n) = (SELECT 'sub', max(n) FROM t) WHERE id = 30
