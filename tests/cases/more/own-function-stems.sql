-- own function stems
-- @source 15
-- @target 18
-- @setup
SET search_path = user_schema;
CREATE FUNCTION stems(t text) RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$ SELECT to_tsvector('pg_catalog.english', t) $$;
CREATE TABLE m (id int PRIMARY KEY, t text, l tsvector GENERATED ALWAYS AS (stems(t)) STORED);
INSERT INTO m SELECT i, w FROM unnest(string_to_array('skies dying lying tying news innings outings evening past pasted transport internal universe skiing emergency evenings dyed owed eyed owing ying organisational', ' ')) WITH ORDINALITY u(w, i);
