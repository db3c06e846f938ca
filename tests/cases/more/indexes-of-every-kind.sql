-- indexes of every kind
-- @pair 15 17
-- @pair 15 18
-- @setup
CREATE EXTENSION pg_trgm SCHEMA public;
SET search_path = user_schema, public;
CREATE TABLE t (id int PRIMARY KEY, j jsonb, a int[], v text, x int, p point, r int4range, i inet, ts timestamptz);
CREATE INDEX i1 ON t USING gin (j jsonb_path_ops); CREATE INDEX i2 ON t USING gin (a) WITH (fastupdate = off); CREATE INDEX i3 ON t USING gist (p); CREATE INDEX i4 ON t USING spgist (r); CREATE INDEX i5 ON t USING brin (ts) WITH (pages_per_range = 4, autosummarize = on); CREATE INDEX i6 ON t USING hash (v); CREATE INDEX i7 ON t (lower(v) text_pattern_ops, x DESC) WHERE x > 3 AND v IS NOT NULL; CREATE INDEX i8 ON t ((j ->> 'k'), (x + 1)) INCLUDE (id) WITH (fillfactor = 70); CREATE INDEX i9 ON t USING gist (v gist_trgm_ops (siglen = 32)); CREATE INDEX i10 ON t USING gin (v gin_trgm_ops); CREATE INDEX i11 ON t USING brin (x int4_bloom_ops (n_distinct_per_range = 50)); CREATE INDEX i12 ON t USING gist (i inet_ops); CREATE UNIQUE INDEX i13 ON t (id, coalesce(v, '')) NULLS NOT DISTINCT; CREATE INDEX i14 ON t (v COLLATE "C" varchar_pattern_ops); CREATE INDEX i15 ON t USING brin (x int4_minmax_multi_ops);
ALTER INDEX i7 ALTER COLUMN 1 SET STATISTICS 500; ALTER TABLE t CLUSTER ON i8; CREATE STATISTICS st (ndistinct, dependencies, mcv) ON x, (lower(v)) FROM t; ALTER STATISTICS st SET STATISTICS 300; ALTER TABLE t ALTER x SET STATISTICS 200, ALTER x SET (n_distinct = -0.5), SET (fillfactor = 80, autovacuum_enabled = off, toast.autovacuum_enabled = off, parallel_workers = 2);
INSERT INTO t SELECT n, jsonb_build_object('k', n), ARRAY[n, n + 1], 'v' || n, n, point(n, n), int4range(n, n + 3), '10.0.0.1', now() FROM generate_series(1, 100) n;
-- @late
CREATE EXTENSION pg_trgm SCHEMA public;
-- @after
UPDATE t SET v = 'w' WHERE id = 3;
