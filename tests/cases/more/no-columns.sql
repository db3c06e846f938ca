-- no columns
-- @source 15
-- @target 17
-- @setup
SET search_path = user_schema;
CREATE TABLE empty_table ();
CREATE TABLE once (a int); ALTER TABLE once DROP a;
CREATE TABLE only_generated (g int GENERATED ALWAYS AS (1) STORED);
CREATE TABLE plain (id int PRIMARY KEY);
INSERT INTO plain VALUES (1);
