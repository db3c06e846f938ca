-- tsvector german 15 18
-- @source 15
-- @target 18
-- @setup
SET search_path = user_schema;
CREATE TABLE t (id int PRIMARY KEY, b text); CREATE INDEX ON t USING gin (to_tsvector('german', b)); CREATE INDEX ON t USING gin (to_tsvector('english', b));
INSERT INTO t SELECT i, w FROM unnest(string_to_array('Häuser skies dying lying evening internal Übermut laufende past skiing', ' ')) WITH ORDINALITY u(w, i);
