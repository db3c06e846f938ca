-- a generated column over a function that says it is immutable and goes by TimeZone: another in replication's sessions
-- @setup
SET search_path = user_schema, public;
ALTER DATABASE $DB SET timezone = 'Pacific/Auckland'; SET timezone = 'Pacific/Auckland';
CREATE FUNCTION day(t timestamptz) RETURNS date LANGUAGE sql IMMUTABLE AS 'SELECT t::date';
CREATE TABLE t (id int PRIMARY KEY, at timestamptz, d date GENERATED ALWAYS AS (user_schema.day(at)) STORED); CREATE INDEX ON t (user_schema.day(at));
CREATE PROCEDURE nothing() LANGUAGE sql AS '';
INSERT INTO t (id, at) SELECT i, '2026-01-01 12:00+00'::timestamptz + i * interval '1 hour' FROM generate_series(1, 24) i;
-- @refused generated column user_schema.t.d is another in sessions with another TimeZone \(13 rows are what Pacific/Auckland gives\)
-- @remedy
ALTER FUNCTION "user_schema"."day"(timestamp with time zone) SET "TimeZone" = 'Pacific/Auckland'
-- @during
UPDATE user_schema.t SET at = at + interval '1 hour' WHERE id < 9
-- @writer
UPDATE t SET at = at + interval '1 hour' WHERE id = 11
-- @after
UPDATE t SET at = at + interval '1 hour' WHERE id = 15
