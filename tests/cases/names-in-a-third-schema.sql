-- supabase kind: an application's search_path with a schema of nobody's on it, and functions that rely on it
-- @setup
ALTER DATABASE $DB SET search_path = user_schema, lib, public;
CREATE SCHEMA lib; GRANT USAGE ON SCHEMA lib TO $APP;
SET search_path = user_schema, lib, public;
CREATE FUNCTION lib.is_code(t text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT t ~ '^[A-Z]{2}$' $$;
CREATE FUNCTION sound(t text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN is_code(t); END $$;
CREATE TABLE d (id int PRIMARY KEY, c text CHECK (sound(c)));
INSERT INTO d SELECT i, 'AB' FROM generate_series(1, 30) i;
-- @refused function user_schema.sound\(text\) names is_code without a schema
-- @remedy ALTER FUNCTION "user_schema"."sound"(text) SET search_path = "user_schema", "lib", "public"
-- @during
INSERT INTO user_schema.d VALUES (100, 'XY');
-- @after
UPDATE d SET c = 'ZZ' WHERE id < 9
