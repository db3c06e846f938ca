-- time limits of the shared database, shorter than the copy takes (rocicorp/mono#5874, pg_easy_replicate#90, pgcopydb PR #344)
-- @srcset idle_in_transaction_session_timeout=1s
-- @setup
CREATE TABLE user_schema.big (id int PRIMARY KEY, v text);
INSERT INTO user_schema.big SELECT i, repeat(md5(i::text), 30) FROM generate_series(1, 30000) i;
CREATE INDEX ON user_schema.big (v);
ALTER DATABASE $DB SET idle_session_timeout = '1s';
ALTER DATABASE $DB SET transaction_timeout = '1s';
ALTER DATABASE $DB SET statement_timeout = '50ms';
ALTER DATABASE $DB SET default_transaction_read_only = on;
ALTER ROLE $APP SET default_transaction_read_only = off;
ALTER ROLE $APP SET statement_timeout = 0;
ALTER ROLE $APP SET transaction_timeout = 0;
-- @during
SET default_transaction_read_only = off; SET statement_timeout = 0; SET transaction_timeout = 0;
UPDATE user_schema.big SET v = 'x' WHERE id % 100 = 0;
-- @writer
UPDATE user_schema.big SET v = '$N' WHERE id = 5
-- @after
UPDATE user_schema.big SET v = 'y' WHERE id = 7
