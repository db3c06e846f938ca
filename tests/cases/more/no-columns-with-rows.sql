-- no columns with rows
-- @source 15
-- @target 17
-- @setup
SET search_path = user_schema;
CREATE TABLE bare (); INSERT INTO bare DEFAULT VALUES; INSERT INTO bare DEFAULT VALUES;
CREATE TABLE plain (id int PRIMARY KEY); INSERT INTO plain VALUES (1);
-- @after
INSERT INTO bare DEFAULT VALUES;
