-- functions merge
-- @pair 15 17
-- @pair 15 18
-- @pair 17 18
-- @setup
SET search_path = user_schema;
CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a');
CREATE FUNCTION f1(a int, VARIADIC b text[] DEFAULT '{x}') RETURNS text LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 5 AS $$ SELECT a || array_to_string(b, ',') $$;
CREATE FUNCTION f2(anyelement, anyarray) RETURNS anyelement LANGUAGE plpgsql AS $$ BEGIN RETURN $1; END $$;
CREATE FUNCTION f3(OUT a int, OUT b text) RETURNS SETOF record LANGUAGE sql ROWS 7 AS $$ SELECT id, v FROM user_schema.t $$;
CREATE FUNCTION f4() RETURNS TABLE (x int, y text) LANGUAGE plpgsql SECURITY DEFINER SET search_path = user_schema, pg_temp SET work_mem = '8MB' AS $$ BEGIN RETURN QUERY SELECT id, v FROM t; END $$;
CREATE FUNCTION f5(x int DEFAULT 1 + 2, y text DEFAULT upper('a') || CURRENT_DATE) RETURNS int LANGUAGE sql BEGIN ATOMIC INSERT INTO t SELECT x + 1000, y ON CONFLICT (id) DO UPDATE SET v = excluded.v || t.v WHERE t.id > 0; SELECT x; END;
CREATE FUNCTION f6(t user_schema.t) RETURNS text LANGUAGE sql RETURN (t).v || (t).id;
CREATE PROCEDURE p1(INOUT a int, b text DEFAULT NULL) LANGUAGE plpgsql AS $$ BEGIN a := a + 1; COMMIT; END $$;
CREATE PROCEDURE p1(a text) LANGUAGE sql BEGIN ATOMIC DELETE FROM t WHERE v = a; UPDATE t AS tt SET (v) = ROW (a) FROM t t2 WHERE t2.id = tt.id RETURNING tt.*; END;
CREATE AGGREGATE agg1(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0', COMBINEFUNC = int4pl, PARALLEL = SAFE, MSFUNC = int4pl, MINVFUNC = int4mi, MSTYPE = int);
CREATE FUNCTION "select"(text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN $1 = 'x'; CREATE FUNCTION teq(text, int) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN $1 = $2::text; CREATE OPERATOR === (LEFTARG = text, RIGHTARG = int, FUNCTION = teq);
CREATE TYPE ct AS (x int); CREATE FUNCTION to_ct(int) RETURNS ct LANGUAGE sql IMMUTABLE RETURN ROW($1)::ct; CREATE CAST (int AS ct) WITH FUNCTION to_ct(int) AS ASSIGNMENT; CREATE TABLE uses (id int PRIMARY KEY CHECK (id::text === id), c ct DEFAULT 3); INSERT INTO uses (id) VALUES (1);
CREATE VIEW vv AS SELECT "select"(v), f6(t), agg1(id) OVER () FROM t WHERE v === 1 OR v OPERATOR(user_schema.===) 2;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA user_schema TO $APP; GRANT ALL ON ALL TABLES IN SCHEMA user_schema TO $APP;
-- @after
INSERT INTO uses (id) VALUES (2); SELECT f5(7); CALL p1('zzz'); SELECT * FROM vv; SELECT f4()
