-- identifiers of large objects in arrays, in domains over oid, in row types
-- @setup
CREATE DOMAIN user_schema.blob AS oid; CREATE TYPE user_schema.file AS (name text, content oid);
CREATE TABLE user_schema.t (id int PRIMARY KEY, b user_schema.blob, os oid[], f user_schema.file, o oid);
INSERT INTO user_schema.t SELECT i, lo_from_bytea(0, 'b'), ARRAY[lo_from_bytea(0, 'a'), NULL], ROW('n', lo_from_bytea(0, 'f'))::user_schema.file, lo_from_bytea(0, 'o') FROM generate_series(1, 5) i;
-- @during
UPDATE user_schema.t SET b = lo_from_bytea(0, 'changed'), os = os || lo_from_bytea(0, 'more') WHERE id = 2
-- @check
SELECT id, lo_get(b), lo_get(os[1]), lo_get((f).content), lo_get(o), length(lo_get(os[3])) FROM user_schema.t ORDER BY 1
