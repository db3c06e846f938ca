-- normalize unicode
-- @pair 15 17
-- @pair 15 18
-- @pair 17 18
-- @setup
SET search_path = user_schema;
CREATE TABLE n (id int PRIMARY KEY, t text, k text GENERATED ALWAYS AS (normalize(t, NFKC)) STORED);
INSERT INTO n (id, t) SELECT i, chr(i) FROM generate_series(160, 131071) i WHERE i NOT BETWEEN 55296 AND 57343 AND i % 7 = 0;
