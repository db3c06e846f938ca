-- matview over versions
-- @source 15
-- @target 18
-- @setup
SET search_path = user_schema;
CREATE TABLE t (id int PRIMARY KEY, b text); INSERT INTO t SELECT i, w FROM unnest(string_to_array('skies dying lying evening internal past skiing', ' ')) WITH ORDINALITY u(w, i);
CREATE MATERIALIZED VIEW m AS SELECT id, to_tsvector('english', b) AS v, normalize(b) AS n FROM t; CREATE UNIQUE INDEX ON m (id);
-- @after
INSERT INTO t VALUES (100, 'dying')
