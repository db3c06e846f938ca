-- checks that the clock, a setting or other rows decide: a row that was right as it was written is refused as it
-- is applied, on the way there and on the way back
-- @setup
SET search_path = user_schema, public;
CREATE TABLE kinds (k text PRIMARY KEY, closed boolean DEFAULT false); INSERT INTO kinds VALUES ('a'), ('b');
CREATE FUNCTION is_open(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT NOT closed FROM user_schema.kinds WHERE k = $1 $$;
CREATE FUNCTION is_near(d date) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN d >= 'today'::date - 40000; END $$;
CREATE TABLE o (id int PRIMARY KEY, expires timestamptz CONSTRAINT "fre""sh" CHECK (expires > clock_timestamp()),
    day date, at timestamptz, CONSTRAINT same CHECK (day = at::date), k text CHECK (is_open(k)), near date CONSTRAINT near CHECK (is_near(near)));
COMMENT ON CONSTRAINT "fre""sh" ON o IS 'of ''today';
CREATE TABLE parent (id int, t text DEFAULT current_setting('TimeZone'), CONSTRAINT zone CHECK (t = current_setting('TimeZone')));
CREATE TABLE child (PRIMARY KEY (id), CONSTRAINT zone CHECK (t = current_setting('TimeZone'))) INHERITS (parent); CREATE TABLE grandchild (PRIMARY KEY (id)) INHERITS (child);
INSERT INTO o VALUES (1, now() + interval '1 day', '2026-01-01', '2026-01-01 12:00', 'a', '2026-01-01');
-- @during
BEGIN; SET LOCAL timezone = 'Pacific/Auckland'; INSERT INTO user_schema.o VALUES (2, clock_timestamp() + interval '200 milliseconds', '2026-01-02', '2026-01-02 01:00', 'a', '2026-01-01'); INSERT INTO user_schema.grandchild (id) VALUES (2); SELECT pg_sleep(0.4); COMMIT
-- @during
BEGIN ISOLATION LEVEL REPEATABLE READ; INSERT INTO user_schema.o (id, k) VALUES (3, 'b'); COMMIT; UPDATE user_schema.kinds SET closed = true WHERE k = 'b'
-- @after
BEGIN; SET LOCAL timezone = 'Pacific/Auckland'; INSERT INTO o VALUES (12, clock_timestamp() + interval '200 milliseconds', '2026-01-02', '2026-01-02 01:00', 'a', '2026-01-01'); INSERT INTO grandchild (id) VALUES (12); INSERT INTO child (id) VALUES (13); SELECT pg_sleep(0.4); COMMIT;
SELECT 1 / (count(*) = 7)::int FROM pg_constraint WHERE contype = 'c' AND connamespace = 'user_schema'::regnamespace;
SELECT 1 / count(*) FROM pg_constraint WHERE conname = 'fre"sh' AND obj_description(oid, 'pg_constraint') = 'of ''today';
SELECT 1 / (count(*) = 3)::int FROM pg_constraint WHERE conname IN ('near', 'o_k_check', 'same') AND NOT convalidated = (conname = ANY ('{o_k_check,same}'))
-- @writer
INSERT INTO o (id, expires, k) VALUES (1000 + $N, clock_timestamp() + interval '20 milliseconds', 'a')
