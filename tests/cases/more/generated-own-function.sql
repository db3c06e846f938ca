-- generated own function
-- @source 15
-- @target 18
-- @setup
SET search_path = user_schema;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN code AS text CHECK (VALUE ~ '^[A-Z]+$');
CREATE FUNCTION helper(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT upper(t) $$;
CREATE FUNCTION label(t text, m user_schema.mood) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN user_schema.helper(t) || m::text || to_char(12.5, '999D99') || to_char(timestamp '2020-01-31', 'Day DD Mon YYYY TZ'); END $$;
CREATE TABLE m (id int PRIMARY KEY, t text, m mood, c code, l text GENERATED ALWAYS AS (label(t, m)) STORED, d text GENERATED ALWAYS AS (c || '!') STORED);
INSERT INTO m SELECT i, 'x' || i, 'ok', 'ABC' FROM generate_series(1, 50) i;
