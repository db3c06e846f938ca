-- timezone and encoding sessions
-- @source 15
-- @target 17
-- @setup
ALTER DATABASE $DB SET timezone = 'Asia/Kathmandu'; ALTER DATABASE $DB SET intervalstyle = 'sql_standard'; ALTER DATABASE $DB SET extra_float_digits = 0; ALTER DATABASE $DB SET bytea_output = 'escape'; ALTER DATABASE $DB SET lock_timeout = '100ms'; ALTER DATABASE $DB SET row_security = on; ALTER DATABASE $DB SET xmlbinary = hex; ALTER ROLE $APP SET search_path = user_schema, public; ALTER DATABASE $DB SET synchronous_commit = off; ALTER DATABASE $DB SET backslash_quote = off; ALTER DATABASE $DB SET default_transaction_isolation = 'serializable'; ALTER DATABASE $DB SET default_transaction_deferrable = on;
CREATE TABLE user_schema.t (id int PRIMARY KEY, at timestamptz, i interval, f float8, b bytea); INSERT INTO user_schema.t SELECT i, '2024-01-01 00:00Z'::timestamptz + i * interval '1 hour', i * interval '1 mon 2 days -03:04:05', i / 3.0, decode('00ff5c', 'hex') FROM generate_series(1, 20) i;
CREATE TABLE user_schema.nokey (at timestamptz, i interval, f float8, f4 real); INSERT INTO user_schema.nokey SELECT at, i, f, f FROM user_schema.t;
-- @during
UPDATE user_schema.nokey SET f = f + 0.1; UPDATE user_schema.t SET i = i * 1.3
-- @after
UPDATE nokey SET f = f / 7; UPDATE t SET at = at + i
