-- values at the edges
-- @pair 15 17
-- @pair 15 18
-- @setup
CREATE EXTENSION hstore SCHEMA public; CREATE EXTENSION citext SCHEMA public;
SET search_path = user_schema, public;
CREATE TABLE v (id int PRIMARY KEY, n numeric, f float8, f4 real, d date, ts timestamp, tz timestamptz, ttz timetz, t text, b bytea, j json, jb jsonb, a int[], ta text[], bits varbit, bf bit(3), i inet, c cidr, m macaddr8, tv tsvector, tq tsquery, pa path, po polygon, ci circle, l line, lsn pg_lsn, sn pg_snapshot, x xid8, na name, bp char(5), h hstore, cit citext, iv interval, mo money, o oid, tid tid, vc varchar(3)[], u uuid, bx box, ls lseg);
INSERT INTO v (id, n, f, f4, d, ts, tz) VALUES (1, 'NaN', 'NaN', 'NaN', 'infinity', '-infinity', 'infinity'), (2, '-Infinity', '-0', '-0', '4713-01-01 BC', '4713-01-01 BC', '294276-12-31 23:59:59.999999Z'), (3, '1e-16383', 5e-324, 1e-45, '5874897-12-31', '294276-12-31 23:59:59.999999', '0001-01-01 00:00:00Z BC'), (4, '1.500000000000000000000', 1.7976931348623157e308, 3.4028235e38, '0001-12-31 BC', '1582-10-15', '1883-11-18 12:03:57.9+00'), (5, '1e4000', 0.1, 0.1, 'epoch', 'epoch', '1920-01-01 00:00:00+00:53:28');
INSERT INTO v (id, ttz, t, b, j, jb, a, ta) VALUES (6, '24:00:00+15:59:59', E'\\.\\N\t\n\r\b\v\\x', '\x00ff5c27', '{"a":1, "a" : 2,"u":"\u00e9\ud83d\ude00"}', '{"n":1.500,"e":1e400}', '[0:1][2:3]={{1,2},{3,NULL}}', '{"NULL",NULL,"","a\"b\\c","{}"," x ,"}'), (7, '00:00:00-15:59', '', '', '  null ', 'null', '{}', '{}'), (8, '12:34:56.789+05:30', E'\u007f\u0085\u2028\ufeff\U0010FFFF', decode(repeat('00', 100), 'hex'), '"x"', '"\u0001"', '{NULL}', '{{a},{NULL}}');
INSERT INTO v (id, bits, bf, i, c, m, tv, tq, pa, po, ci, l, lsn, sn, x, na, bp, h, cit, iv, mo, o, tid, vc, u, bx, ls) VALUES (9, '', '101', '::ffff:1.2.3.4/96', '10.0.0.0/8', '08:00:2b:01:02:03:04:05', '''a b'':1A,2 ''c''''d'':3', '!a & (b:*AB <-> c | ''x y'')', '[(1,2),(3,4)]', '((0,0),(1,1),(1,0))', '<(1,2),3>', '{1,-1,0}', 'FFFFFFFF/FFFFFFFF', '10:20:10,14', '18446744073709551615', repeat('n', 63), 'a  ', '"a"=>NULL,"b""c"=>"d=>e"', 'ÄbC', '-178000000 years 11 mons 5 days -03:00:00.000001', '-92233720368547758.08', 4294967295, '(4294967295,65535)', '{abc,NULL}', '00000000-0000-0000-0000-000000000000', '(1,1),(0,0)', '[(0,0),(1,1)]');
-- @late
CREATE EXTENSION hstore SCHEMA public; CREATE EXTENSION citext SCHEMA public;
-- @during
INSERT INTO user_schema.v SELECT (jsonb_populate_record(v, jsonb_build_object('id', v.id + 100))).* FROM user_schema.v;
-- @after
UPDATE v SET id = id + 1000 WHERE id > 100; INSERT INTO v (id, n, ta, bp) VALUES (5000, 'Infinity', '{NULL,"null"}', 'b')
