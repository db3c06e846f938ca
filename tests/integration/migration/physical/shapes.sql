-- Long values, of which some were never written and some are of aborted transactions.
CREATE TABLE user_schema.long_values (id bigint PRIMARY KEY, what text);
INSERT INTO user_schema.long_values
SELECT i, (SELECT string_agg(md5((i * 777 + j)::text), '') FROM generate_series(1, 150) j)
  FROM generate_series(1, 300) i;
DO $$ BEGIN
    INSERT INTO user_schema.long_values SELECT i, repeat(md5(i::text), 300) FROM generate_series(1001, 1020) i;
    RAISE EXCEPTION 'x';
EXCEPTION WHEN OTHERS THEN NULL; END $$;
UPDATE user_schema.long_values SET what = what || '!' WHERE id % 7 = 0;
DELETE FROM user_schema.long_values WHERE id % 11 = 0;

-- Indexes of every method, of expressions, partial, unique.
CREATE TABLE user_schema.many_indexes (
    id int PRIMARY KEY, a text NOT NULL, b jsonb, c tstzrange, d int[], e point, f text COLLATE "C"
);
INSERT INTO user_schema.many_indexes
SELECT i, md5(i::text), jsonb_build_object('n', i % 9), tstzrange(timestamptz '2020-01-01' + i * interval '1 h',
       timestamptz '2020-01-02' + i * interval '1 h'), ARRAY[i, i % 5], point(i, i), md5((i % 100)::text)
  FROM generate_series(1, 2000) i;
CREATE INDEX ON user_schema.many_indexes USING hash (a);
CREATE INDEX ON user_schema.many_indexes USING gin (b);
CREATE INDEX ON user_schema.many_indexes USING gist (c);
CREATE INDEX ON user_schema.many_indexes USING gin (d);
CREATE INDEX ON user_schema.many_indexes USING spgist (e);
CREATE INDEX ON user_schema.many_indexes USING brin (id);
CREATE UNIQUE INDEX ON user_schema.many_indexes (lower(a), id) WHERE id > 10;
CREATE INDEX ON user_schema.many_indexes (f DESC NULLS LAST) INCLUDE (id);
-- Row locks by several transactions at once (multixacts).
CREATE TABLE user_schema.parts (id int NOT NULL, what text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE user_schema.parts_1 PARTITION OF user_schema.parts FOR VALUES FROM (0) TO (100);
CREATE TABLE user_schema.parts_2 PARTITION OF user_schema.parts FOR VALUES FROM (100) TO (1000);
INSERT INTO user_schema.parts SELECT i, 'part ' || i FROM generate_series(0, 500) i;
DO $$ BEGIN
    FOR i IN 1..50 LOOP
        PERFORM 1 FROM user_schema.parts WHERE id = i FOR KEY SHARE;
        BEGIN
            UPDATE user_schema.parts SET what = what || '+' WHERE id = i;
        EXCEPTION WHEN OTHERS THEN NULL; END;
    END LOOP;
END $$;
CREATE DOMAIN user_schema.amount AS numeric(12, 2) CHECK (VALUE >= 0);
CREATE TABLE user_schema.with_domain (id int PRIMARY KEY REFERENCES user_schema.many_indexes, what user_schema.amount);
INSERT INTO user_schema.with_domain SELECT i, i / 3.0 FROM generate_series(1, 100) i;

-- What means something else in another database, or lies otherwise there.
CREATE TABLE user_schema.narrowed (id int PRIMARY KEY, gone int, what text);
INSERT INTO user_schema.narrowed SELECT i, i, 'n' || i FROM generate_series(1, 50) i;
ALTER TABLE user_schema.narrowed DROP COLUMN gone;
CREATE TABLE user_schema.widened (id int PRIMARY KEY);
INSERT INTO user_schema.widened SELECT generate_series(1, 50);
ALTER TABLE user_schema.widened ADD COLUMN more text DEFAULT 'as it was';
CREATE TYPE user_schema.mood AS ENUM ('well', 'unwell');
CREATE TABLE user_schema.moods (id int PRIMARY KEY, mood user_schema.mood);
INSERT INTO user_schema.moods VALUES (1, 'well'), (2, 'unwell');
CREATE TYPE user_schema.pair AS (a int, b text);
CREATE TABLE user_schema.composites (id int PRIMARY KEY, p user_schema.pair, q user_schema.pair[]);
INSERT INTO user_schema.composites VALUES (1, (1, 'x'), ARRAY[(2, 'y')::user_schema.pair]);
