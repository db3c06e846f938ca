-- large values
-- @source 15
-- @target 17
-- @setup
CREATE TABLE user_schema.t (id int PRIMARY KEY, j jsonb, t text, a text[]); INSERT INTO user_schema.t SELECT i, (SELECT jsonb_object_agg('k' || n, n) FROM generate_series(1, 3000) n), repeat(md5(i::text), 40000), ARRAY(SELECT md5(n::text) FROM generate_series(1, 5000) n) FROM generate_series(1, 8) i;
CREATE TABLE user_schema.k (k text PRIMARY KEY, v int); INSERT INTO user_schema.k SELECT repeat(md5(i::text), 80), i FROM generate_series(1, 30) i;
-- @during
UPDATE user_schema.t SET j = j || '{"z":1}' WHERE id = 2; UPDATE user_schema.k SET v = 0 WHERE v < 10
-- @after
UPDATE t SET t = t || 'x' WHERE id = 3; UPDATE k SET v = v + 1; UPDATE k SET k = k || 'z' WHERE v = 12
