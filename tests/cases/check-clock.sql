-- supabase/splinter#57, supabase/supautils#137: CHECK with the clock: true when the row was written, false by now, also by
-- the time that replication brings it
-- @setup
CREATE TABLE user_schema.offers (id int PRIMARY KEY, expires timestamptz NOT NULL CHECK (expires > now()));
INSERT INTO user_schema.offers SELECT i, clock_timestamp() + interval '2 seconds' FROM generate_series(1, 30) i;
CREATE TABLE user_schema.kept (id int, day date CONSTRAINT "Of ""today" CHECK (day >= CURRENT_DATE), v text) PARTITION BY RANGE (id);
CREATE TABLE user_schema.kept_1 PARTITION OF user_schema.kept (CONSTRAINT mine CHECK (day < now() + interval '1 year'), PRIMARY KEY (id)) DEFAULT;
COMMENT ON CONSTRAINT "Of ""today" ON user_schema.kept IS 'it''s the clock''s';
SELECT pg_sleep(2.5);
-- @during
INSERT INTO user_schema.offers VALUES (100, now() + interval '1 day');
DELETE FROM user_schema.offers WHERE id = 1;
-- @during
BEGIN; INSERT INTO user_schema.offers VALUES (1000, clock_timestamp() + interval '200 milliseconds'); SELECT pg_sleep(1); COMMIT
-- @during
INSERT INTO user_schema.kept VALUES (1, CURRENT_DATE, 'a')
-- @after
INSERT INTO offers VALUES (101, now() + interval '1 hour');
INSERT INTO kept VALUES (2, CURRENT_DATE, 'b');
DELETE FROM offers WHERE id = 2;
SELECT 1 / (5 - count(*)) FROM pg_constraint WHERE contype = 'c' AND conname IN ('mine', 'Of "today', 'offers_expires_check') HAVING count(*) <> 4;
SELECT 1 / count(*) FROM pg_constraint WHERE conname = 'Of "today' AND obj_description(oid, 'pg_constraint') = 'it''s the clock''s'
