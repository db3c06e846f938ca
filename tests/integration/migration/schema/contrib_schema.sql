-- A large schema over the types, operator classes, functions and triggers of the server's own extensions, as one
-- service ("search") of two; "stock" is the other. Server packages hold none of PostgreSQL's regression tests.
CREATE SCHEMA search_schema; CREATE SCHEMA stock_schema; CREATE SCHEMA extensions;
CREATE EXTENSION citext SCHEMA extensions; CREATE EXTENSION hstore SCHEMA extensions; CREATE EXTENSION ltree SCHEMA extensions;
CREATE EXTENSION cube SCHEMA extensions; CREATE EXTENSION seg SCHEMA extensions; CREATE EXTENSION isn SCHEMA extensions;
CREATE EXTENSION intarray SCHEMA extensions; CREATE EXTENSION pg_trgm SCHEMA extensions; CREATE EXTENSION btree_gin SCHEMA extensions;
CREATE EXTENSION btree_gist SCHEMA extensions; CREATE EXTENSION fuzzystrmatch SCHEMA extensions; CREATE EXTENSION unaccent SCHEMA extensions;
CREATE EXTENSION dict_int SCHEMA extensions; CREATE EXTENSION tablefunc SCHEMA extensions; CREATE EXTENSION lo SCHEMA extensions;
CREATE EXTENSION tsm_system_rows SCHEMA extensions; CREATE EXTENSION tcn SCHEMA extensions;
SET search_path = search_schema, extensions, public;

CREATE DOMAIN mail AS citext CHECK (VALUE ~ '@'); CREATE DOMAIN route AS ltree CHECK (nlevel(VALUE) < 9);
CREATE TYPE place AS (at cube, within seg, tags hstore, paths ltree[]); CREATE TYPE spans AS RANGE (subtype = seg, multirange_type_name = many_spans);
CREATE FUNCTION plain(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT extensions.unaccent(''extensions.unaccent''::regdictionary, $1)';
CREATE FUNCTION merge(hstore, hstore) RETURNS hstore LANGUAGE sql IMMUTABLE RETURN $1 || coalesce($2, ''::hstore);
CREATE AGGREGATE merged(hstore) (SFUNC = merge, STYPE = hstore, INITCOND = '');
CREATE FUNCTION far(cube, cube) RETURNS float8 LANGUAGE sql IMMUTABLE RETURN $1 <-> $2;
CREATE OPERATOR <~> (LEFTARG = cube, RIGHTARG = cube, FUNCTION = far, COMMUTATOR = <~>); CREATE CAST (place AS text) WITH INOUT AS ASSIGNMENT;
CREATE TEXT SEARCH DICTIONARY numbers (TEMPLATE = intdict_template, MAXLEN = 4, REJECTLONG = false);
CREATE TEXT SEARCH CONFIGURATION folded (COPY = pg_catalog.english);
ALTER TEXT SEARCH CONFIGURATION folded ALTER MAPPING FOR hword, hword_part, word WITH unaccent, english_stem;
ALTER TEXT SEARCH CONFIGURATION folded ALTER MAPPING FOR int, uint WITH search_schema.numbers;

CREATE TABLE people (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mail mail UNIQUE, name citext NOT NULL COLLATE "C",
    also citext[] DEFAULT '{}', more hstore DEFAULT 'a=>1, "b c"=>NULL', sound text GENERATED ALWAYS AS (soundex(upper(id::text))) STORED);
CREATE INDEX names ON people USING gin ((name::text) gin_trgm_ops, id); CREATE INDEX near ON people USING gist ((name::text) gist_trgm_ops (siglen = 32));
CREATE INDEX keys ON people USING gin (more); CREATE INDEX keys_gist ON people USING gist (more gist_hstore_ops (siglen = 16));
CREATE INDEX unaccented ON people (plain(name::text) text_pattern_ops) WHERE more ? 'a';
INSERT INTO people (mail, name, also, more) SELECT 'A' || i || '@x', 'Ünï ' || i, ARRAY['a', NULL, 'B']::citext[], hstore(ARRAY['a', i::text, 'q"', NULL]) FROM generate_series(1, 300) i;

CREATE TABLE tree (path route PRIMARY KEY, up ltree, sets lquery[], by int REFERENCES people ON DELETE SET NULL, CHECK (up @> path::ltree));
CREATE INDEX below ON tree USING gist (up gist_ltree_ops (siglen = 100)); CREATE INDEX nodes ON tree USING gist ((ARRAY[up]) gist__ltree_ops);
INSERT INTO tree SELECT ('top.a' || i % 7 || '.n' || i)::ltree, 'top', ARRAY['*.a*{1,2}'::lquery], 1 + i % 300 FROM generate_series(1, 300) i;
ALTER TABLE tree ADD CONSTRAINT itself FOREIGN KEY (path) REFERENCES tree DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE places (id int, at cube, within seg, box cube[], place place, numbers int[], EXCLUDE USING gist (id WITH =, within WITH &&));
CREATE INDEX at ON places USING gist (at); CREATE INDEX seg_order ON places (within); CREATE INDEX small ON places USING gist (numbers gist__int_ops (numranges = 99));
CREATE INDEX big ON places USING gist (numbers gist__intbig_ops (siglen = 64)); CREATE INDEX inside ON places USING gin (numbers gin__int_ops);
INSERT INTO places SELECT i, cube(ARRAY[i, i / 3.0]), (i || '..' || i + 1)::seg, ARRAY[cube(i)], ROW(cube(i), '1.5 .. 3', 'x=>y', '{a.b}')::place, ARRAY[i, i * 2] FROM generate_series(1, 200) i;

CREATE TABLE books (isbn isbn13 PRIMARY KEY, old isbn, upc upc, ean ean13[], word tsvector) PARTITION BY RANGE (isbn);
CREATE TABLE books_0 PARTITION OF books FOR VALUES FROM (MINVALUE) TO ('9780393040029'); CREATE TABLE books_1 PARTITION OF books DEFAULT;
INSERT INTO books SELECT make_valid(('978' || lpad((i * 37)::text, 9, '0') || '0!')::isbn13), '0-393-04002-X', '220356483481', ARRAY['9780393040029'::ean13], to_tsvector('folded', 'Crème brûlée ' || i) FROM generate_series(1, 90) i;
CREATE INDEX words ON books USING gin (word); CREATE INDEX mixed ON books USING gin (word, (1)) WITH (fastupdate = off);

CREATE TABLE log (id bigserial PRIMARY KEY, at timestamptz DEFAULT '2026-01-01', address inet, uuid uuid, money money, EXCLUDE USING gist (address inet_ops WITH &&, uuid WITH =));
CREATE INDEX several ON log USING gin (id, at, address); CREATE INDEX one_of ON log USING gist (at, money, uuid); CREATE TRIGGER told AFTER INSERT ON log FOR EACH ROW EXECUTE FUNCTION triggered_change_notification('told');
INSERT INTO log (address, uuid, money) SELECT '10.0.0.0'::inet + i, md5(i::text)::uuid, i::numeric::money FROM generate_series(1, 100) i;
CREATE STATISTICS both_ ON at, (lower(address::text)) FROM log; ALTER TABLE people ENABLE ROW LEVEL SECURITY;
CREATE POLICY known ON people USING (more ?& ARRAY['a'] OR name = 'x'); CREATE RULE kept AS ON DELETE TO log DO INSTEAD NOTHING;

CREATE VIEW "similar" AS SELECT a.id, b.id AS other, similarity(a.name::text, b.name::text) AS s, a.name <-> b.name::text AS d FROM people a JOIN people b ON a.name::text % b.name::text AND levenshtein(a.name::text, b.name::text) < 3;
CREATE VIEW crossed AS SELECT * FROM crosstab('SELECT 1, 2, 3') AS c (row_name int, one int, two int); CREATE VIEW "some" AS SELECT * FROM people TABLESAMPLE extensions.system_rows (5);
CREATE MATERIALIZED VIEW known AS SELECT merged(more) AS more, array_agg(DISTINCT path ORDER BY path) AS paths FROM people JOIN tree ON by = id;
CREATE INDEX known_more ON known USING gin (more); CREATE VIEW sub AS SELECT subpath(path, 0, 1) AS top, count(*) FROM tree WHERE path ~ '*.a1.*' GROUP BY 1;
CREATE FUNCTION search(q text, OUT id int, OUT rank real) RETURNS SETOF record LANGUAGE plpgsql STABLE SET search_path = search_schema, extensions AS 'BEGIN RETURN QUERY SELECT p.id, similarity(p.name::text, q) FROM people p WHERE p.more -> ''a'' = q OR p.name = q::citext; END';
COMMENT ON FUNCTION search(text) IS 'finds'; COMMENT ON DOMAIN mail IS 'an address'; COMMENT ON OPERATOR <~> (cube, cube) IS 'far'; COMMENT ON INDEX near IS 'trigrams';

CREATE TABLE stock_schema.items (isbn isbn13, n int DEFAULT 1, tags hstore, PRIMARY KEY (isbn)); INSERT INTO stock_schema.items SELECT isbn, 2, 'shelf=>9' FROM books;
ALTER TABLE stock_schema.items ADD CONSTRAINT of_a_book FOREIGN KEY (isbn) REFERENCES books; CREATE VIEW stock_schema.titled AS SELECT n, word FROM stock_schema.items JOIN books USING (isbn);
