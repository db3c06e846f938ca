-- views of every kind
-- @pair 15 17
-- @pair 15 18
-- @pair 17 18
-- @setup
SET search_path = user_schema;
CREATE TABLE t (id int PRIMARY KEY, gone int, g text, n numeric, at timestamptz); ALTER TABLE t DROP gone;
INSERT INTO t SELECT i, 'g' || i % 3, i * 1.5, '2024-01-01'::timestamptz + i * interval '1 day' FROM generate_series(1, 30) i;
CREATE RECURSIVE VIEW rv (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM rv WHERE n < 5;
CREATE VIEW v1 WITH (security_barrier) AS SELECT DISTINCT ON (g) *, row_number() OVER w AS rn, lag(n, 1, 0.0) OVER (w ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM t WINDOW w AS (PARTITION BY g ORDER BY n DESC NULLS LAST) ORDER BY g, n;
CREATE VIEW v2 WITH (security_invoker = true) AS SELECT g, grouping(g), sum(n) FILTER (WHERE id > 3), percentile_cont(0.5) WITHIN GROUP (ORDER BY n), string_agg(g, ',' ORDER BY id DESC) FROM t GROUP BY GROUPING SETS ((g), (), ROLLUP (g, id)) HAVING count(*) > 0;
CREATE VIEW v3 AS SELECT t.id, x.y, e.* FROM t, LATERAL (SELECT t.n * 2 AS y) x, ROWS FROM (generate_series(1, 2), unnest(ARRAY['a','b'])) WITH ORDINALITY e (a, b, o) WHERE t.at AT TIME ZONE 'UTC' > '2024-01-05' AND t.g SIMILAR TO 'g[12]' AND t.g NOT ILIKE '%x%';
CREATE VIEW v4 AS SELECT extract(year FROM at) AS y, position('g' IN g), overlay(g PLACING 'z' FROM 1), trim(BOTH 'g' FROM g), substring(g FROM 1 FOR 1), CASE g WHEN 'g1' THEN 1 ELSE 2 END, COALESCE(n, 0), NULLIF(g, 'x'), GREATEST(id, 3), n::int, (t).id AS whole, ARRAY[id, 1], ROW(id, g), (id, g) IN ((1, 'g1')), id = ANY (ARRAY[1, 2]), at::date - current_date, CURRENT_USER, CAST(g AS varchar(3)), g COLLATE "C", interval '1' year, interval '2-3' year to month, timestamp 'epoch', B'101', X'1F', -1, - 1.5e10, NOT (id > 3), id IS DISTINCT FROM 3, g IS NORMALIZED, xmin::text IS NULL, tableoid::int > 0, (at, at) OVERLAPS (at, interval '1 day') FROM t;
CREATE VIEW v5 AS TABLE t UNION ALL (SELECT * FROM t EXCEPT SELECT * FROM t LIMIT 3) INTERSECT VALUES (1, 'g', 2.0, now()) ORDER BY 1 FETCH FIRST 3 ROWS WITH TIES;
CREATE VIEW v6 AS WITH a AS MATERIALIZED (SELECT * FROM t), b AS NOT MATERIALIZED (SELECT * FROM a), RECURSIVE_c AS (SELECT 1) SELECT a.* FROM a JOIN b USING (id) AS j LEFT JOIN RECURSIVE_c ON true WHERE EXISTS (SELECT FROM b WHERE b.id = a.id) AND a.id NOT IN (SELECT id FROM b WHERE id > 5) FOR UPDATE OF a;
CREATE MATERIALIZED VIEW m1 AS SELECT g, count(*) FROM t GROUP BY 1 WITH NO DATA; CREATE MATERIALIZED VIEW m2 (gg, c) AS SELECT g, count(*) FROM t GROUP BY 1; CREATE UNIQUE INDEX ON m2 (gg);
CREATE VIEW v7 AS WITH RECURSIVE tr (id, up) AS (SELECT 1, 0 UNION ALL SELECT id + 1, id FROM tr WHERE id < 4) SEARCH DEPTH FIRST BY id SET ord CYCLE id SET cyc USING path SELECT * FROM tr;
CREATE VIEW v8 AS SELECT * FROM t TABLESAMPLE system (10) REPEATABLE (3);
-- @after
INSERT INTO t VALUES (100, 'g', 1, now())
