-- domain with function
-- @source 15
-- @target 18
-- @setup
SET search_path = user_schema;
CREATE FUNCTION is_ok(t text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN t ~ '^\w+$' AND length(t) < 20; END $$;
CREATE DOMAIN okd AS text CHECK (user_schema.is_ok(VALUE)); CREATE TABLE t (id int PRIMARY KEY, o okd, os okd[], x text CHECK (user_schema.is_ok(x)), y text GENERATED ALWAYS AS (o || '_') STORED); CREATE UNIQUE INDEX ON t (upper(o)); INSERT INTO t VALUES (1, 'abc', '{d,e}', 'f');
-- @after
INSERT INTO t VALUES (2, 'zz', '{q}', 'r')
