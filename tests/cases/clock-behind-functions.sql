-- checks whose functions ask the clock, themselves or behind others: as those that ask it themselves (check-clock.sql)
-- @setup
SET search_path = user_schema, public;
CREATE FUNCTION inner_(t timestamptz) RETURNS boolean LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN t > CURRENT_TIMESTAMP; END $$;
CREATE FUNCTION future(t timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT user_schema.inner_(t) $$;
CREATE FUNCTION parsed(t timestamptz) RETURNS boolean LANGUAGE sql STABLE RETURN t > now();
CREATE DOMAIN fut AS timestamptz CHECK (user_schema.future(VALUE));
CREATE TABLE o (id int PRIMARY KEY, e timestamptz CHECK (user_schema.future(e)), f timestamptz CONSTRAINT p CHECK (user_schema.parsed(f)), d fut[]);
INSERT INTO o VALUES (1, now() + interval '1 day', now() + interval '1 day', ARRAY[clock_timestamp() + interval '100 milliseconds']::fut[]);
SELECT pg_sleep(0.2);
-- @refused check user_schema\.fut\.fut_check of a domain asks the clock
-- @remedy
ALTER DOMAIN "user_schema"."fut" DROP CONSTRAINT "fut_check"
-- @during
BEGIN; INSERT INTO user_schema.o VALUES (100, clock_timestamp() + interval '300 milliseconds', clock_timestamp() + interval '300 milliseconds'); SELECT pg_sleep(1); COMMIT
-- @writer
INSERT INTO o VALUES (1000 + $N, clock_timestamp() + interval '1 hour', clock_timestamp() + interval '1 hour')
