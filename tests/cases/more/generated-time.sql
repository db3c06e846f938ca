-- generated time
-- @pair 15 17
-- @pair 15 18
-- @setup
SET search_path = user_schema;
CREATE TABLE m (id int PRIMARY KEY, a timestamp, b timestamp, z timestamptz, i interval, w timestamp GENERATED ALWAYS AS (date_trunc('week', a)) STORED, g interval GENERATED ALWAYS AS (age(a, b)) STORED, e numeric GENERATED ALWAYS AS (extract(epoch from i)) STORED, bin timestamp GENERATED ALWAYS AS (date_bin('7 min', a, timestamp '2001-01-01')) STORED, l timestamp GENERATED ALWAYS AS (z AT TIME ZONE 'Europe/Berlin') STORED, j interval GENERATED ALWAYS AS (justify_interval(i)) STORED, o int GENERATED ALWAYS AS (extract(isoyear from a)::int) STORED, q interval GENERATED ALWAYS AS (i * 1.37) STORED, y timestamp GENERATED ALWAYS AS (z AT TIME ZONE 'America/Mexico_City') STORED, k timestamp GENERATED ALWAYS AS (z AT TIME ZONE 'Africa/Cairo') STORED, h timestamp GENERATED ALWAYS AS (z AT TIME ZONE 'Asia/Almaty') STORED);
INSERT INTO m SELECT n, timestamp '1899-12-31' + n * interval '37 days 5 hours', timestamp '2020-02-29', timestamptz '1920-01-01 00:00Z' + n * interval '29 days 3 hours', n * interval '1 mon -3 days 04:05:06.789' FROM generate_series(1, 1500) n;
