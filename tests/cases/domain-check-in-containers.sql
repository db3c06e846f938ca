-- messy_schemas.sql kind: judged checks of domains that arrays, composites, ranges and row types of other tables hold, which PostgreSQL validates only where they are made with the domain; one reads a table that is loaded first, one is NOT VALID; checks of parents, children and partitions
-- @setup
SET search_path = user_schema, public;
CREATE TABLE zz_code (code text PRIMARY KEY); INSERT INTO zz_code VALUES ('AB'), ('CD');
CREATE VIEW a_code AS SELECT code FROM zz_code;
CREATE FUNCTION is_short(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN length($1) < 9; END $$;
CREATE FUNCTION is_known(text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN EXISTS (SELECT FROM user_schema.a_code WHERE code = $1); END $$;
CREATE FUNCTION is_odd(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1 % 2 = 1; END $$;
CREATE DOMAIN short AS text CONSTRAINT short CHECK (user_schema.is_short(VALUE)); COMMENT ON CONSTRAINT short ON DOMAIN short IS 'is short';
CREATE DOMAIN shorter AS short CHECK (user_schema.is_short(VALUE || 'x'));
CREATE DOMAIN known AS text CHECK (user_schema.is_known(VALUE));
CREATE DOMAIN alone AS text CHECK (user_schema.is_known(VALUE));
CREATE DOMAIN odd AS int CHECK (user_schema.is_odd(VALUE));
CREATE DOMAIN row_odd AS int CHECK (user_schema.is_odd(VALUE));
CREATE TYPE pair AS (a shorter, b int); CREATE TYPE odds AS RANGE (subtype = odd, subtype_opclass = int4_ops);
CREATE TABLE typed OF pair (PRIMARY KEY (b)); INSERT INTO typed VALUES ('t', 1);
CREATE TABLE inner_row (id int PRIMARY KEY, o row_odd); INSERT INTO inner_row VALUES (1, 3);
CREATE TABLE a_holder (id int PRIMARY KEY, p pair[], k known[], s alone, r odds, i inner_row);
INSERT INTO a_holder SELECT i, ARRAY[ROW('q', i)]::pair[], '{AB,CD}', 'AB', '[1,3]', ROW(1, 5)::inner_row FROM generate_series(1, 50) i;
ALTER DOMAIN short ADD CONSTRAINT later CHECK (user_schema.is_short(VALUE || 'yy')) NOT VALID;
CREATE TABLE parent (id int PRIMARY KEY, n int CONSTRAINT n CHECK (user_schema.is_odd(n))); CREATE TABLE child (CONSTRAINT n CHECK (user_schema.is_odd(n)), PRIMARY KEY (id)) INHERITS (parent);
CREATE TABLE grandchild (PRIMARY KEY (id)) INHERITS (child); INSERT INTO parent VALUES (1, 1); INSERT INTO child VALUES (2, 3); INSERT INTO grandchild VALUES (3, 5);
CREATE TABLE parted (id int, n int CONSTRAINT n CHECK (user_schema.is_odd(n)), PRIMARY KEY (id)) PARTITION BY LIST (id);
CREATE TABLE part (n int, id int NOT NULL, CONSTRAINT n CHECK (user_schema.is_odd(n)), CONSTRAINT own CHECK (user_schema.is_odd(n + 2))); ALTER TABLE parted ATTACH PARTITION part FOR VALUES IN (1, 2, 3);
CREATE TABLE part_rest PARTITION OF parted DEFAULT; INSERT INTO parted SELECT i, 2 * i + 1 FROM generate_series(1, 9) i;
-- @during
INSERT INTO user_schema.a_holder VALUES (100, '{"(z,7)"}', '{CD}', 'CD', '[3,5]', '(2,9)'); INSERT INTO user_schema.parted VALUES (50, 7); INSERT INTO user_schema.grandchild VALUES (50, 7)
-- @after
INSERT INTO user_schema.a_holder VALUES (101, '{"(z,7)"}', '{CD}', 'CD', '[3,5]', '(2,9)')
-- @check
SELECT conname, conislocal, coninhcount, convalidated, coalesce(conrelid::regclass::text, contypid::regtype::text) FROM pg_constraint WHERE contype = 'c' AND connamespace = 'user_schema'::regnamespace ORDER BY 5, 1
