-- timescale/timescaledb#6935, citusdata/pg_shard#59: columns of reg* types, which hold numbers and travel as names
-- @setup
CREATE TABLE user_schema.things (id int PRIMARY KEY, v text);
CREATE INDEX things_v ON user_schema.things (v);
CREATE VIEW user_schema.seen AS SELECT * FROM user_schema.things;
CREATE TYPE user_schema.mood AS ENUM ('sad');
CREATE FUNCTION user_schema.hook(int) RETURNS int LANGUAGE sql IMMUTABLE RETURN $1 + 1;
CREATE FUNCTION user_schema.twice(int) RETURNS int LANGUAGE sql IMMUTABLE RETURN $1;
CREATE TABLE user_schema.registry (id int PRIMARY KEY, rel regclass, typ regtype, fn regprocedure, one regproc, cfg regconfig, ns regnamespace, ro regrole, any_oid oid);
INSERT INTO user_schema.registry VALUES (1, 'user_schema.things', 'user_schema.things', 'user_schema.hook(int)', 'user_schema.hook', 'simple', 'user_schema', NULL, 4294967295);
INSERT INTO user_schema.registry VALUES (2, 'user_schema.things_v', 'user_schema.mood[]', 'lower(text)', 'user_schema.twice', 'english', 'pg_catalog', '$APP', 5);
INSERT INTO user_schema.registry (id, rel, typ) VALUES (4, 'user_schema.seen', 'user_schema.registry[]'), (5, 'user_schema.registry_pkey', 'int4');
CREATE FUNCTION user_schema.twice(text) RETURNS text LANGUAGE sql IMMUTABLE RETURN $1;
CREATE TABLE user_schema.gone (a int);
INSERT INTO user_schema.registry (id, rel) VALUES (3, 'user_schema.gone');
DROP TABLE user_schema.gone;
-- @refused user_schema.registry.rel \(regclass\) names index user_schema.registry_pkey, which is made after the rows
-- @refused user_schema.registry.one \(regproc\) names function user_schema.twice\(.*not the only one of its name
-- @refused user_schema.registry.ro \(regrole\) names role .*is a role of the shared server only
-- @remedy
ALTER TABLE user_schema.registry ALTER COLUMN rel TYPE text
-- @remedy
ALTER TABLE user_schema.registry ALTER COLUMN one TYPE regprocedure
-- @remedy
ALTER TABLE user_schema.registry ALTER COLUMN ro TYPE text
-- @during
INSERT INTO user_schema.registry (id, rel, fn) VALUES (10, 'user_schema.registry', 'user_schema.hook(int)');
UPDATE user_schema.registry SET cfg = 'simple' WHERE id = 2;
-- @after
INSERT INTO registry (id, rel) VALUES (20, 'user_schema.things');
