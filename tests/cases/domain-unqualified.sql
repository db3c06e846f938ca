-- stac-utils/pgstac#64, seattleflu/id3c#211 kind: a domain, in arrays too, whose check calls a function that names another without a schema
-- @setup
ALTER DATABASE $DB SET search_path = user_schema, public;
SET search_path = user_schema, public;
CREATE FUNCTION helper(t text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN t ~ '^[A-Z]{2}$';
CREATE FUNCTION is_code(t text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN helper(t); END $$;
CREATE DOMAIN code AS text CHECK (is_code(VALUE));
CREATE DOMAIN day AS date CHECK (VALUE >= current_date - 1);
CREATE TYPE pair AS (a code[], b int);
CREATE TABLE d (id int PRIMARY KEY, c text, cs pair[], since day);
INSERT INTO d SELECT i, 'AB', ARRAY[ROW(ARRAY['CD', 'EF'], 1)]::pair[], current_date FROM generate_series(1, 30) i;
-- @refused domain user_schema.code calls function user_schema.is_code\(text\), which names helper without a schema
-- @remedy ALTER FUNCTION "user_schema"."is_code"(text) SET search_path = "user_schema", "public"
-- @refused asks the clock
-- @remedy ALTER DOMAIN "user_schema"."day" DROP CONSTRAINT "day_check"
-- @during
SET search_path = user_schema; INSERT INTO d VALUES (100, 'XY', '{"({ZZ},3)"}');
-- @after
UPDATE d SET cs = '{"({YY},3)"}' WHERE id < 9
