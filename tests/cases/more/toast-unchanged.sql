-- toast unchanged
-- @source 15
-- @target 17
-- @setup
SET search_path = user_schema;
CREATE TABLE t (id int PRIMARY KEY, big text, n int); ALTER TABLE t ALTER big SET STORAGE EXTERNAL; CREATE TABLE f (big text, n int, b bytea COMPRESSION pglz); ALTER TABLE f ALTER big SET STORAGE EXTERNAL; CREATE TABLE x (id int PRIMARY KEY, j jsonb, a text[]); ALTER TABLE x REPLICA IDENTITY FULL;
INSERT INTO t SELECT i, repeat(md5(i::text), 3000), i FROM generate_series(1, 20) i; INSERT INTO f SELECT repeat(md5(i::text), 3000), i, decode(repeat('ab', 20000), 'hex') FROM generate_series(1, 20) i; INSERT INTO x SELECT i, jsonb_build_object('k', repeat(md5(i::text), 2000)), ARRAY[repeat(md5(i::text), 2000)] FROM generate_series(1, 10) i;
-- @during
UPDATE user_schema.t SET n = -n; UPDATE user_schema.f SET n = -n WHERE n < 5; UPDATE user_schema.x SET a = NULL WHERE id = 3;
-- @after
UPDATE t SET n = n - 1; UPDATE f SET n = n - 1; UPDATE x SET j = j || '{"z": 1}' WHERE id = 4; UPDATE t SET id = id + 100 WHERE id < 4;
