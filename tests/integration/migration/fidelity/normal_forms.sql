-- What a server prints otherwise once it has read it back, in every place that an expression can have.
CREATE FUNCTION worth(a int, s varchar DEFAULT ('x'::varchar(3))) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a';
CREATE DOMAIN code AS varchar(9) DEFAULT 'A'::varchar(3) CHECK (VALUE IN ('A', 'B') AND VALUE BETWEEN 'A' AND 'B' AND VALUE <> 'C');
CREATE TABLE t (
    id int PRIMARY KEY, s varchar(9) CHECK (s IN ('A', 'B')), a int, b int, at timestamptz,
    c varchar(9) DEFAULT CASE WHEN 'x'::varchar IN ('A', 'B') THEN 'q' ELSE 'r' END,
    g boolean GENERATED ALWAYS AS (s IN ('A', 'B') AND a BETWEEN 1 AND 5 AND a <> 3) STORED,
    CHECK (a BETWEEN 1 AND 5 AND a <> 3),
    CHECK (t.* IS NOT NULL),
    EXCLUDE USING gist (box(point(a, b), point(a, b)) WITH &&) WHERE (s IN ('A', 'B') AND a BETWEEN 1 AND 5 AND a <> 3)
);
CREATE FUNCTION whole(t) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
ALTER TABLE t ADD CONSTRAINT row_ CHECK (whole(t) AND s IN ('C', 'D'));
CREATE INDEX i1 ON t (lower(s), (s IN ('A', 'B')), (a BETWEEN 1 AND 5 AND a <> 3) DESC) INCLUDE (b) WHERE s IN ('A', 'B') AND whole(t);
CREATE INDEX i2 ON t ((whole(t)), (s IN ('A')));
CREATE STATISTICS st ON a, (s IN ('A', 'B')), (a BETWEEN 1 AND 5 AND a <> 3) FROM t;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr AFTER UPDATE OF s, a ON t FOR EACH ROW WHEN (new.s IN ('A', 'B') AND old.a BETWEEN 1 AND 5 AND new.a <> 3 AND whole(new) AND old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION stamp(' WHEN (x)');
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE TABLE u (id int, s varchar(9), tid int);
CREATE POLICY p1 ON t USING (s IN ('A', 'B') AND EXISTS (SELECT FROM u WHERE u.tid = t.id AND u.s IN ('X', 'Y') AND u.id BETWEEN 1 AND t.a AND t.a <> 2)) WITH CHECK (s IN ('A', 'B'));
CREATE TABLE p (a int, s varchar(9)) PARTITION BY RANGE (a, (s IN ('A', 'B')), (a BETWEEN 1 AND 5 AND a <> 3));
CREATE FUNCTION f(a int, s varchar DEFAULT CASE WHEN 'x'::varchar IN ('A', 'B') THEN 'q' ELSE 'r' END) RETURNS boolean LANGUAGE sql
    RETURN a BETWEEN 1 AND 5 AND a <> 3 AND s IN ('A', 'B');
CREATE FUNCTION h(a int, s varchar) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE u AS x SET s = 'q' WHERE x.id BETWEEN 1 AND 5 AND x.id <> h.a AND x.s IN ('A', 'B');
    INSERT INTO u AS x SELECT 1 WHERE h.s IN ('A', 'B');
    DELETE FROM u AS x WHERE x.s IN ('A', 'B');
END;
CREATE PROCEDURE pr(a int) LANGUAGE sql BEGIN ATOMIC UPDATE u AS x SET s = 'q' WHERE x.s IN ('A', 'B'); END;
CREATE RULE r1 AS ON UPDATE TO u WHERE new.s IN ('A', 'B') AND old.id BETWEEN 1 AND 5 AND new.id <> 3
    DO ALSO (UPDATE t AS x SET s = new.s WHERE x.id = old.tid AND x.s IN ('A', 'B'); INSERT INTO t AS y (id) VALUES (old.id));
CREATE VIEW v AS SELECT id, s IN ('A', 'B') AS x, a BETWEEN 1 AND 5 AND a <> 3 AS y FROM t;
ALTER VIEW v ALTER x SET DEFAULT ('x'::varchar IN ('A', 'B'));
CREATE RULE r2 AS ON INSERT TO v WHERE new.x DO INSTEAD INSERT INTO u AS q (id, s) VALUES (new.id, CASE WHEN new.id BETWEEN 1 AND 5 AND new.id <> 3 THEN 'x' END);
CREATE MATERIALIZED VIEW m AS SELECT id, s IN ('A', 'B') AS x FROM t;
CREATE INDEX ON m ((x AND id BETWEEN 1 AND 5 AND id <> 3));
