-- text bytes odd
-- @source 15
-- @target 17
-- @setup
SET search_path = user_schema;
CREATE TABLE t (id int PRIMARY KEY, v text, n text, u text UNIQUE); INSERT INTO t SELECT i, chr(i), normalize(chr(i), NFD), 'u' || chr(i) FROM generate_series(1, 3000) i;
INSERT INTO t VALUES (9001, 'é', 'é', 'é'), (9002, 'é', 'é', 'é'), (9003, repeat('😀', 3000), '', E'\uFFFD'), (9004, E'\u200b', E'\u202e', E'a\u0300\u0301');
-- @after
UPDATE t SET v = v || chr(128512) WHERE id < 50
