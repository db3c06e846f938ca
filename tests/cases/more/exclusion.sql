-- exclusion
-- @source 15
-- @target 17
-- @setup
CREATE EXTENSION btree_gist SCHEMA public;
SET search_path = user_schema, public;
CREATE TABLE booking (id int PRIMARY KEY, room int, during tstzrange, EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (room > 0) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE only_excluded (during int4range, n int, EXCLUDE USING gist (during WITH &&));
INSERT INTO booking SELECT i, i % 3 + 1, tstzrange(now() + i * interval '1 day', now() + i * interval '1 day' + interval '1 hour') FROM generate_series(1, 30) i;
INSERT INTO only_excluded SELECT int4range(i * 10, i * 10 + 5), i FROM generate_series(1, 20) i;
-- @late
CREATE EXTENSION btree_gist SCHEMA public;
-- @during
UPDATE user_schema.booking SET during = tstzrange(lower(during) + interval '1 year', upper(during) + interval '1 year');
-- @after
UPDATE booking SET during = tstzrange(lower(during) - interval '1 year', upper(during) - interval '1 year'); UPDATE only_excluded SET n = n + 1;
