-- rows that are equal and not the same, in a table without a key: moved as they are, and told (test_twin_rows)
-- @setup
CREATE TABLE user_schema.n (a numeric, f float8, v int); INSERT INTO user_schema.n VALUES (1.0, 0, 1), (1.00, 0, 1), (2, 0, 1), (2, '-0', 1), (3.00, 5, 1);
CREATE TABLE user_schema.same (a numeric(9, 2), t text, v int); INSERT INTO user_schema.same VALUES (1.0, 'x', 1), (1.00, 'x', 1);
CREATE TABLE user_schema.p (d date, n numeric) PARTITION BY RANGE (d); CREATE TABLE user_schema.p1 PARTITION OF user_schema.p DEFAULT;
INSERT INTO user_schema.p VALUES ('2026-01-01', 1.0), ('2026-01-01', 1.00);
-- @during
UPDATE user_schema.n SET v = 2 WHERE a = 3; INSERT INTO user_schema.p VALUES ('2026-01-01', 1.000)
-- @after
UPDATE n SET v = 3 WHERE a = 3
