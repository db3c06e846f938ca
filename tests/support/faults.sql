-- Tables with what real ones hold; the same rows on every server. See faults.py.
CREATE SCHEMA "Fault's Schema";
SET LOCAL search_path = "Fault's Schema", public;
SET LOCAL TimeZone = 'UTC';
SET LOCAL lc_monetary = 'C';
CREATE TYPE pair AS (a int, b text);
CREATE TYPE mood AS ENUM ('calm', 'cross', 'NULL');
CREATE DOMAIN amount AS numeric CHECK (VALUE IS NULL OR VALUE > -1e40);
CREATE TABLE everything (
    id bigint NOT NULL, empty text, nothing text, txt text, padded char(12), vc varchar(40), nm name,
    n numeric, n2 numeric(12,2), am amount, nan numeric, f8 float8, f4 float4, zero float8, cash money,
    tstz timestamptz, ts timestamp, ttz timetz, d date, span interval, flag boolean,
    texts text[], ints int[], nested int[][], js json, jb jsonb, bin bytea, pr pair, prs pair[], md mood,
    rng int4range, trng tstzrange, ip inet, net cidr, u uuid, bits varbit, pt point, tv tsvector, o oid,
    doubled bigint GENERATED ALWAYS AS (id * 2) STORED
);
CREATE TABLE keyed (LIKE everything INCLUDING GENERATED, PRIMARY KEY (id));
CREATE TABLE twin (LIKE everything INCLUDING GENERATED, PRIMARY KEY (id));
CREATE TABLE "text Key" (k text COLLATE "C", "k 2" timestamptz, v text, PRIMARY KEY (k, "k 2"));
CREATE TABLE parted (id bigint, region text NOT NULL, v text, PRIMARY KEY (id, region))
    PARTITION BY LIST (region);
CREATE TABLE parted_eu PARTITION OF parted FOR VALUES IN ('eu') PARTITION BY RANGE (id);
CREATE TABLE parted_eu_1 PARTITION OF parted_eu FOR VALUES FROM (MINVALUE) TO (1500);
CREATE TABLE parted_eu_2 PARTITION OF parted_eu FOR VALUES FROM (1500) TO (MAXVALUE);
CREATE TABLE parted_rest PARTITION OF parted DEFAULT;
CREATE TABLE parent (id int PRIMARY KEY, v text);
CREATE TABLE child (more text) INHERITS (parent);
CREATE TABLE none ();
INSERT INTO none SELECT FROM generate_series(1, 3);
INSERT INTO parent SELECT g, 'parent ' || g FROM generate_series(1, 100) g;
INSERT INTO child SELECT g, 'child ' || g, NULL FROM generate_series(1, 100) g;
INSERT INTO "text Key"
SELECT chr(65 + g % 50) || g, '2024-03-31 00:30:00+00'::timestamptz + g * interval '1 h', repeat('x', g % 7)
FROM generate_series(1, 3000) g;
INSERT INTO parted SELECT g, (ARRAY['eu', 'us', 'ap'])[1 + g % 3], 'v' || g FROM generate_series(1, 3000) g;
INSERT INTO everything
SELECT
    g, '', NULL, 'caf' || U&'\00E9' || g, 'p' || g, 'v ' || g, 'n' || g,
    g + 0.5, g + 0.25, g * 1.10, 'NaN', g / 3.0::float8, (g / 7.0)::float4, 0.0, g::numeric::money,
    '2024-03-31 00:30:00+00'::timestamptz + g * interval '1 h',
    '2024-03-31 00:30:00'::timestamp + g * interval '1 h',
    '12:00:00+00', '2024-02-28'::date + g, '1 mon', g % 2 = 0,
    ARRAY['a', NULL, 'b'], ARRAY[1, 2, g], ARRAY[[1, 2], [3, g]], ('{"a": ' || g || ', "a": 1}')::json,
    ('{"n": ' || g || '.0, "s": ""}')::jsonb, decode(md5(g::text), 'hex'), ROW(g, '')::pair,
    ARRAY[ROW(g, NULL)::pair], 'NULL', int4range(1, g + 5),
    tstzrange('2024-01-01 00:00:00+00', NULL), '10.0.0.1/24', '10.0.0.0/24', md5(g::text)::uuid, B'0101',
    point(0, g), to_tsvector('simple', 'word' || g), g
FROM generate_series(1, 3000) g;
INSERT INTO keyed (id, empty, nothing, txt, padded, vc, nm, n, n2, am, nan, f8, f4, zero, cash, tstz, ts, ttz,
    d, span, flag, texts, ints, nested, js, jb, bin, pr, prs, md, rng, trng, ip, net, u, bits, pt, tv, o)
SELECT id, empty, nothing, txt, padded, vc, nm, n, n2, am, nan, f8, f4, zero, cash, tstz, ts, ttz,
    d, span, flag, texts, ints, nested, js, jb, bin, pr, prs, md, rng, trng, ip, net, u, bits, pt, tv, o
FROM everything;
INSERT INTO twin (id, empty, nothing, txt, padded, vc, nm, n, n2, am, nan, f8, f4, zero, cash, tstz, ts, ttz,
    d, span, flag, texts, ints, nested, js, jb, bin, pr, prs, md, rng, trng, ip, net, u, bits, pt, tv, o)
SELECT id, empty, nothing, txt, padded, vc, nm, n, n2, am, nan, f8, f4, zero, cash, tstz, ts, ttz,
    d, span, flag, texts, ints, nested, js, jb, bin, pr, prs, md, rng, trng, ip, net, u, bits, pt, tv, o
FROM everything;
