-- generated json
-- @pair 15 17
-- @pair 15 18
-- @setup
SET search_path = user_schema;
CREATE TABLE m (id int PRIMARY KEY, j jsonb, a jsonb GENERATED ALWAYS AS (jsonb_path_query_first(j, '$.a[*] ? (@ > 1)')) STORED, b jsonb GENERATED ALWAYS AS (jsonb_path_query_array(j, '$.t.datetime()')) STORED, c text GENERATED ALWAYS AS (jsonb_pretty(j)) STORED, d jsonb GENERATED ALWAYS AS (jsonb_strip_nulls(j)) STORED, e boolean GENERATED ALWAYS AS (j @? '$.a ? (@ like_regex "^x" flag "i")') STORED, f jsonb GENERATED ALWAYS AS (jsonb_path_query_array(j, '$.**.double()', '{}', true)) STORED, k text GENERATED ALWAYS AS (j #>> '{a,0}') STORED, h int GENERATED ALWAYS AS (jsonb_hash(j)) STORED, n jsonb GENERATED ALWAYS AS (jsonb_path_query_array(j, '$.a[*].abs()', '{}', true)) STORED, tz jsonb GENERATED ALWAYS AS (jsonb_path_query_array(j, '$.t.datetime().type()', '{}', true)) STORED);
INSERT INTO m (id, j) VALUES (1, '{"a":[1,2,3],"t":"2024-01-01"}'), (2, '{"a":"Xyz","n":null,"t":"2024-01-01T10:11:12"}'), (3, '{"t":"12:34:56+02"}'), (4, '[1,{"x":[null,1.50]}]'), (5, '{"t":"2024-01-01T10:11:12+05:30","a":["1e5","0x10","12"]}'), (6, '{"t":"2024-01-01 10:11:12.123456"}');
