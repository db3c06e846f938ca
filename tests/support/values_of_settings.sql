-- Values whose text depends on settings, when they are written or when they are read; `write` changes all of them.
SET search_path = user_schema;
CREATE TABLE kinds (
    id int PRIMARY KEY, at timestamptz, day date, clock timetz, span interval, little real, great double precision,
    amount numeric, price money, raw bytea, words text[], grid int[], note text, doc xml, document json, range tstzrange,
    days daterange[], vector tsvector, relation regclass, point point, address inet, kind regtype, flag bool
);
INSERT INTO kinds
SELECT i, timestamptz '2001-02-03 04:05:06.789012+05:45' + i * interval '1 day 1 second',
       CASE i WHEN 1 THEN 'infinity' WHEN 2 THEN '0044-03-15 BC'::date ELSE make_date(2000 + i, 2, 1) END,
       make_time(i, 30, 0.5)::timetz, i * interval '-1 month +2 days -03:04:05.6', i / 3.0::real, exp(i::float8),
       1.50 * i, (1234.56 * i)::numeric::money, decode(repeat('00ff5c27', i), 'hex'),
       ARRAY[NULL, 'NULL', '', repeat(chr(92), i), 'a"b'], ARRAY[i, NULL, -i],
       repeat(chr(92) || chr(39) || chr(10) || 'é', i),
       CASE i WHEN 1 THEN 'a' || chr(38) || 'amp;b' WHEN 2 THEN '<a/><b/>' ELSE '<a>x</a>' END::xml,
       json_build_object('a', i), tstzrange(now(), now() + i * interval '1 hour'),
       ARRAY[daterange(make_date(2000, 1, i), NULL), NULL], to_tsvector('simple', 'a b ' || i), 'kinds'::regclass,
       point(i / 7.0, -i), '10.0.0.1/8', 'timestamptz'::regtype, i % 2 = 0
FROM generate_series(1, 12) i;
CREATE TABLE keyed (at timestamptz, price money, span interval, note text, n int, PRIMARY KEY (at, price, span, note));
INSERT INTO keyed SELECT at, price, span, note, id FROM kinds;
CREATE TABLE large (id int PRIMARY KEY, note text, raw bytea);
INSERT INTO large SELECT i, repeat(md5(i::text), 3000), decode(repeat(md5(i::text), 3000), 'hex')
FROM generate_series(1, 6) i;
CREATE INDEX ON large (md5(note));
CREATE TABLE parted (id int, note text, at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2000-01-01 00:00+00') TO ('2010-01-01 00:00+00');
CREATE TABLE parted_2 PARTITION OF parted DEFAULT;
INSERT INTO parted SELECT id, note, at FROM kinds;
CREATE FUNCTION write(number int) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
    UPDATE user_schema.kinds
    SET at = at + interval '1 second', day = day + 1, clock = clock + interval '1 minute', span = span * -1,
        little = number / 3.0, great = exp(number % 500) / -7, amount = amount + 0.10, price = price + 1.01::numeric::money,
        raw = raw || decode('5c', 'hex'), words = ARRAY[NULL, number::text, 'null'], grid = ARRAY[NULL, number],
        note = chr(92) || number, doc = xmlparse(CONTENT '<a/><b/>' || number),
        range = tstzrange(at, NULL), flag = NOT flag
    WHERE id = 1 + number % 12;
    UPDATE user_schema.keyed SET n = number WHERE n % 12 = number % 12;
    UPDATE user_schema.large SET note = note || number WHERE id = 1 + number % 6;
    UPDATE user_schema.parted SET note = number::text WHERE id = 1 + number % 12;
END $body$;
