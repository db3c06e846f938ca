-- generated math
-- @source 15
-- @target 18
-- @setup
SET search_path = user_schema;
CREATE TABLE m (id int PRIMARY KEY, x numeric, f float8, p numeric GENERATED ALWAYS AS (power(abs(x) + 1, 0.3)) STORED, l numeric GENERATED ALWAYS AS (ln(abs(x) + 1)) STORED, e numeric GENERATED ALWAYS AS (exp(x / 100)) STORED, s numeric GENERATED ALWAYS AS (sqrt(abs(x))) STORED, t text GENERATED ALWAYS AS (f::text) STORED, n numeric GENERATED ALWAYS AS (f::numeric) STORED, d float8 GENERATED ALWAYS AS (sin(f) + cbrt(f) + atan2(f, 3)) STORED, r float8 GENERATED ALWAYS AS (f ^ 0.37) STORED);
INSERT INTO m SELECT i, (i * 7919 % 1000) / 7.0 - 60, abs(sin(i) * 1e6) FROM generate_series(1, 400) i;
