-- Everything that a column can hold whose way through COPY is not obvious, a table a group.
CREATE SCHEMA "Copy's Schema";
SET search_path = "Copy's Schema", public;

CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'hap"py');
CREATE DOMAIN cents AS numeric(20, 4) CHECK (VALUE IS NULL OR VALUE < 1e15);
CREATE TYPE address AS (street text, "Zip Code" varchar(10), since date);
CREATE TYPE person AS (name text, home address, moods mood[], amounts cents[]);
CREATE TYPE cents_range AS RANGE (subtype = cents);
CREATE DOMAIN table_name AS regclass;
CREATE TYPE pointer AS (table_of regclass, role_of regrole);
CREATE DOMAIN moods AS mood[];
CREATE DOMAIN home AS address;

CREATE TABLE plain (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    txt text, vc varchar(20), fixed char(9), nm name, one "char",
    flag boolean, i2 smallint, i4 integer, i8 bigint, n numeric, n2 numeric(12, 2),
    f4 real, f8 double precision, cash money,
    d date, t time, tz timetz, ts timestamp, tstz timestamptz(3), span interval,
    bin bytea, js json, jb jsonb, jp jsonpath, u uuid,
    ip inet, net cidr, mac macaddr, mac8 macaddr8, b bit(7), vb bit varying,
    pt point, ln line, seg lseg, bx box, pa path, po polygon, ci circle,
    lsn pg_lsn, snap pg_snapshot, tid tid, o oid, v tsvector, q tsquery,
    r int4range, mr nummultirange, tr tstzrange
);
INSERT INTO plain (txt, vc, fixed, nm, one, flag, i2, i4, i8, n, n2, f4, f8, cash, d, t, tz, ts, tstz, span,
    bin, js, jb, jp, u, ip, net, mac, mac8, b, vb, pt, ln, seg, bx, pa, po, ci, lsn, snap, tid, o, v, q, r, mr, tr)
SELECT repeat(chr(65 + k % 60), k % 400), 'v' || k, 'c' || k, 'n' || k, 'x', k % 2 = 0, k % 32000, k, k * 10000000000,
    k / 7.0, k / 100.0, k / 3.0, k / 3.0, (k / 100.0)::text::money, date '2020-02-29' + k, time '12:34:56.789012',
    timetz '23:59:59.999999+05:30', timestamp '1999-12-31 23:59:59.999999', now() + k * interval '1 s',
    make_interval(months => k, days => -k, secs => k / 7.0),
    decode(md5(k::text), 'hex'), '{"a" : 1, "a":2 }', '{"n": 1.10}', '$.a[*] ? (@ > 1)',
    md5(k::text)::uuid, '10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', B'1010101', B'1',
    point(k, -k), '{1,2,3}', '[(1,2),(3,4)]', '((1,2),(3,4))', '[(1,2),(3,4)]', '((1,2),(3,4),(5,6))', '<(1,2),3>',
    '16/B374D848', '10:20:10,14,15', '(42,7)', k, to_tsvector('simple', 'a fat cat ' || k), 'fat & !rat',
    int4range(k, k + 5), '{[1,2),(3,4]}', tstzrange(NULL, now())
FROM generate_series(1, 500) AS k;
INSERT INTO plain (txt) VALUES (NULL), (''), (' '), ('\N'), ('\.'), (E'\\.\n\\.\nx'), (E'tab\tcr\rlf\nbs\\b\b'),
    ('NULL'), ('"quoted", it''s'), (U&'e\0301 \00E9 \+01F600'), (repeat('long ', 100000));
INSERT INTO plain (n, f4, f8, d, ts, tstz, bin) VALUES
    ('NaN', 'NaN', 'NaN', 'infinity', 'infinity', 'infinity', ''),
    ('Infinity', 'Infinity', '-Infinity', '-infinity', '-infinity', '-infinity', '\x5c2e0a'),
    ('-Infinity', '-0', '-0', '4713-01-01 BC', '0001-01-01', '0001-01-01 BC', '\x00ff'),
    (1.1000, 1e-45, 5e-324, '5874897-12-31', '294276-12-31', NULL, NULL);

CREATE TABLE user_types (
    id serial PRIMARY KEY, m mood, c cents, ms mood[], cs cents[], dm moods, r cents_range
);
INSERT INTO user_types (m, c, ms, cs, dm, r)
SELECT 'it''s ok', k / 3.0, ARRAY['sad', NULL, 'hap"py']::mood[], ARRAY[[1.5, 2], [3, NULL]]::cents[],
    '{sad,"hap\"py"}', cents_range(k, k + 1) FROM generate_series(1, 300) k;
INSERT INTO user_types (m) VALUES (NULL);

CREATE TABLE composites (id int PRIMARY KEY, a address, p person, many address[], h home, deep person[]);
INSERT INTO composites
SELECT k, ROW('Main "St" \ ' || k, '0123', date '2000-01-01')::address,
    ROW('n', ROW(NULL, '', NULL)::address, '{sad}', '{1,NULL}')::person,
    ARRAY[ROW('a,b', 'c(d)', NULL)::address, NULL], ROW('', NULL, NULL)::address,
    ARRAY[ROW(NULL, NULL, '{}', NULL)::person] FROM generate_series(1, 300) k;
INSERT INTO composites VALUES (0, NULL, NULL, NULL, NULL, NULL), (-1, ROW(NULL, NULL, NULL)::address, NULL, '{}', NULL, '{}');

CREATE TABLE pointers (id int PRIMARY KEY, c regclass, t regtype, p regproc, cs regclass[], d table_name, x pointer);
INSERT INTO pointers
SELECT k, 'composites', 'mood', 'pg_catalog.now', ARRAY['plain', 'user_types']::regclass[], 'plain',
    ROW('plain'::regclass, NULL)::pointer FROM generate_series(1, 100) k;

CREATE TABLE generated (
    a int, doubled int GENERATED ALWAYS AS (a * 2) STORED, gone text, b text DEFAULT 'not this',
    "Upper ""b""" text GENERATED ALWAYS AS (upper(b)) STORED
);
ALTER TABLE generated DROP COLUMN gone;
INSERT INTO generated (a, b) SELECT k, 'x' || k FROM generate_series(1, 400) k;
CREATE TABLE only_generated (g int GENERATED ALWAYS AS (1) STORED);
INSERT INTO only_generated DEFAULT VALUES;
CREATE TABLE no_columns ();
INSERT INTO no_columns DEFAULT VALUES;
INSERT INTO no_columns DEFAULT VALUES;
CREATE TABLE nothing_inside (a int, b text);
CREATE UNLOGGED TABLE unlogged (a int);
INSERT INTO unlogged SELECT generate_series(1, 100);

CREATE TABLE parent (id int, kind text);
CREATE TABLE child (extra text) INHERITS (parent);
INSERT INTO parent SELECT k, 'parent' FROM generate_series(1, 200) k;
INSERT INTO child SELECT k, 'child', 'x' FROM generate_series(1, 300) k;

CREATE TABLE by_time (at date NOT NULL, region text, value numeric) PARTITION BY RANGE (at);
CREATE TABLE by_time_2024 PARTITION OF by_time FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')
    PARTITION BY LIST (region);
CREATE TABLE by_time_2024_eu PARTITION OF by_time_2024 FOR VALUES IN ('eu');
CREATE TABLE by_time_2024_rest PARTITION OF by_time_2024 DEFAULT;
-- A partition whose columns stand in another order.
CREATE TABLE "by time ""rest""" (value numeric, dropped int, at date NOT NULL, region text);
ALTER TABLE "by time ""rest""" DROP COLUMN dropped;
ALTER TABLE by_time ATTACH PARTITION "by time ""rest""" DEFAULT;
INSERT INTO by_time SELECT date '2023-06-01' + k, CASE k % 3 WHEN 0 THEN 'eu' WHEN 1 THEN 'us' END, k / 4.0
FROM generate_series(1, 900) k;

CREATE TABLE "naïve ""name"" with, 'all' -- of; it $1 %s %% \ {}" ("a ""b"" %s" int, "select" text, "ü\" text);
INSERT INTO "naïve ""name"" with, 'all' -- of; it $1 %s %% \ {}" SELECT k, 'é' || k, '\' FROM generate_series(1, 50) k;
