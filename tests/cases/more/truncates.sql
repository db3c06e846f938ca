-- truncates
-- @source 15
-- @target 17
-- @setup
SET search_path = user_schema;
CREATE TABLE a (id serial PRIMARY KEY, v text); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a); CREATE TABLE c (v text); CREATE TABLE pp (id int, v text) PARTITION BY RANGE (id); CREATE TABLE pp1 PARTITION OF pp FOR VALUES FROM (1) TO (100);
INSERT INTO a (v) SELECT 'x' FROM generate_series(1, 10); INSERT INTO b VALUES (1, 1); INSERT INTO c VALUES ('a'), ('a'); INSERT INTO pp VALUES (1, 'a');
GRANT ALL ON ALL TABLES IN SCHEMA user_schema TO $APP; GRANT ALL ON ALL SEQUENCES IN SCHEMA user_schema TO $APP;
-- @during
TRUNCATE user_schema.c; INSERT INTO user_schema.c VALUES ('b'); TRUNCATE user_schema.pp; INSERT INTO user_schema.pp VALUES (2, 'b');
-- @after
TRUNCATE a, b; INSERT INTO a (v) VALUES ('new'); TRUNCATE c; INSERT INTO c VALUES ('z'); TRUNCATE pp; INSERT INTO pp VALUES (3, 'c')
