-- check with enum and cast
-- @source 15
-- @target 18
-- @setup
SET search_path = user_schema;
CREATE TYPE st AS ENUM ('a', 'b'); CREATE TABLE t (id int PRIMARY KEY, s text CHECK (s::st IS NOT NULL), j jsonb CHECK (jsonb_typeof(j) = 'object' AND (j ->> 'n')::int BETWEEN 0 AND 10), d text CHECK (d::date > '2000-01-01'::date OR true), ip text CHECK (ip::inet <<= '10.0.0.0/8'), u text CHECK (u::uuid IS NOT NULL)); INSERT INTO t VALUES (1, 'a', '{"n": 3}', NULL, '10.1.1.1', '00000000-0000-0000-0000-000000000001');
-- @after
INSERT INTO t VALUES (2, 'b', '{"n": "4"}', NULL, '10.1.1.2', '{00000000-0000-0000-0000-000000000001}')
