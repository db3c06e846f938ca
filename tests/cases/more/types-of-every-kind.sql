-- types of every kind
-- @pair 15 17
-- @pair 15 18
-- @setup
SET search_path = user_schema;
CREATE TYPE e AS ENUM ('b', 'c'); ALTER TYPE e ADD VALUE 'a' BEFORE 'b'; ALTER TYPE e RENAME VALUE 'c' TO 'C c';
CREATE TYPE inner_t AS (x int, gone text, y e[]); ALTER TYPE inner_t DROP ATTRIBUTE gone; CREATE TYPE outer_t AS (i inner_t, arr inner_t[], t text COLLATE "C");
CREATE DOMAIN d1 AS int[] CHECK (cardinality(VALUE) < 10); CREATE DOMAIN d2 AS d1 NOT NULL; CREATE TYPE fr AS RANGE (subtype = float8, subtype_diff = float8mi, multirange_type_name = fmr); CREATE DOMAIN dr AS fr CHECK (NOT isempty(VALUE)); CREATE TYPE er AS RANGE (subtype = e);
CREATE TABLE t (id int PRIMARY KEY, e e, es e[], o outer_t, os outer_t[], d d2, r fr, mr fmr, drr dr, er er, de e[] DEFAULT '{a,"C c"}');
INSERT INTO t SELECT i, 'a', '{b,"C c"}', ROW(ROW(1, '{a}'), ARRAY[ROW(2, NULL)::inner_t], 'x"y')::outer_t, ARRAY[ROW(NULL, NULL, 'q,')::outer_t, NULL], ARRAY[i], fr(i, i + 1), fmr(fr(1, 2), fr(3, 4)), fr(1, NULL), er('a', 'b', '[]') FROM generate_series(1, 20) i;
-- @during
UPDATE user_schema.t SET o.t = 'new', es[1] = 'a' WHERE id = 3;
-- @after
UPDATE t SET e = 'C c', o.i.x = 9, mr = '{}', d = '{}' WHERE id = 4;
