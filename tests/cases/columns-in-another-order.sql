-- a parent got a column after its child was made: pg_dump's INHERITS puts it before the child's own
-- @flow plan
-- @setup
SET search_path = user_schema, public;
CREATE TABLE p (id int PRIMARY KEY, a text); CREATE TABLE c (z text) INHERITS (p); CREATE TABLE d (y text) INHERITS (c);
ALTER TABLE p ADD COLUMN added text DEFAULT 'later'; INSERT INTO c VALUES (1, 'a', 'z', 'added');
CREATE TABLE q (b text, id int); CREATE TABLE fine (z text, b text) INHERITS (p, q);
-- @refused columns of table user_schema\.c stand as \(id, a, z, added\), and would as \(id, a, added, z\)
-- @refused columns of table user_schema\.d stand as
