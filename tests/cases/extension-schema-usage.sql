-- extensions in a schema of their own that the common role may use: a generated column and a check over their functions
-- go on working for the service's role
-- @setup
CREATE SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext; CREATE EXTENSION unaccent SCHEMA ext; GRANT USAGE ON SCHEMA ext TO $APP; SET search_path = user_schema;
CREATE FUNCTION plain(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT ext.unaccent('ext.unaccent', $1) $$;
CREATE TABLE t (id int PRIMARY KEY, s text, p text GENERATED ALWAYS AS (user_schema.plain(s)) STORED, h ext.hstore CHECK (h OPERATOR(ext.?) 'a'));
INSERT INTO t VALUES (1, 'Crème', DEFAULT, 'a=>1');
-- @during
INSERT INTO user_schema.t VALUES (2, 'ñ', DEFAULT, 'a=>2')
-- @after
UPDATE t SET s = 'Ü' WHERE id = 2; INSERT INTO t VALUES (3, 'é', DEFAULT, 'a=>NULL'::ext.hstore)
