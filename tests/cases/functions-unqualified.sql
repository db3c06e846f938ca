-- dimitri/pgcopydb#264 kind: functions that name things without a schema, wherever writing a row calls them
-- @setup
ALTER DATABASE $DB SET search_path = user_schema, public;
SET search_path = user_schema, public;
CREATE TABLE rate (code text PRIMARY KEY, factor int NOT NULL); INSERT INTO rate VALUES ('DE', 2), ('FR', 3);
CREATE FUNCTION factor(c text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (SELECT r.factor FROM rate r WHERE r.code = c); END';
CREATE FUNCTION times(c text, n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN n * factor(c); END';
CREATE TABLE price (id int PRIMARY KEY, code text, n int, t int GENERATED ALWAYS AS (times(code, n)) STORED);
INSERT INTO price SELECT i, CASE i % 2 WHEN 0 THEN 'DE' ELSE 'FR' END, i FROM generate_series(1, 30) i;
CREATE TABLE part (id int, code text) PARTITION BY LIST (factor(code));
CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2);
CREATE TABLE part_other PARTITION OF part DEFAULT;
INSERT INTO part VALUES (1, 'DE'), (2, 'FR');
CREATE FUNCTION sound(p price) RETURNS boolean LANGUAGE plpgsql AS
    'BEGIN RETURN p.n < 1000 AND EXISTS (SELECT FROM rate r WHERE r.code = p.code); END';
ALTER TABLE price ADD CONSTRAINT sound CHECK (sound(price));
-- @during
SET search_path = user_schema; INSERT INTO price VALUES (100, 'FR', 7); UPDATE price SET n = 8 WHERE id = 5;
INSERT INTO part VALUES (3, 'DE'), (4, 'FR'); UPDATE part SET code = 'FR' WHERE id = 1; DELETE FROM part WHERE id = 2;
-- @after
INSERT INTO price VALUES (101, 'DE', 9);
UPDATE price SET n = n + 1;
UPDATE part SET code = 'DE' WHERE code = 'FR';
INSERT INTO rate VALUES ('IT', 5);
INSERT INTO price VALUES (102, 'IT', 9)
