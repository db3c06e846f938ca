-- a function changed after the rows were written: stored generated columns keep what it gave then
-- @setup
SET search_path = user_schema, public;
CREATE FUNCTION rate(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE FUNCTION bare(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN rate($1) + 1; END';
CREATE TABLE t (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (rate(a)) STORED, h int GENERATED ALWAYS AS (bare(a)) STORED,
    i int GENERATED ALWAYS AS (a + 1) STORED);
INSERT INTO t (id, a) SELECT i, i FROM generate_series(0, 20) i;
CREATE OR REPLACE FUNCTION rate(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 3';
-- @refused generated column user_schema\.t\.g holds another value than its expression gives now, in 20 rows
-- @refused generated column user_schema\.t\.h holds another value
-- @remedy
SET search_path = "user_schema", "public"; UPDATE ONLY user_schema.t SET a = a WHERE ROW(h)::pg_catalog.text IS DISTINCT FROM ROW((user_schema.bare(a))::integer)::pg_catalog.text
-- @during
SET search_path = user_schema; UPDATE t SET a = 100 WHERE id = 3
-- @after
UPDATE t SET a = 200 WHERE id = 4
