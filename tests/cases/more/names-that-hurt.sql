-- names that hurt
-- @pair 15 17
-- @pair 15 18
-- @setup
CREATE TABLE user_schema."Select" ("Order" int PRIMARY KEY, "a.b" text, "x""y" text, "tab	in" int, "ü" int, "$1" int, "back\slash" int, "new
line" int, "user" text, "'q'" text, " lead" int, "trail " int, ":name" int, "%%" int, "all" int, "?" int, "{}" int);
CREATE TABLE user_schema."semi;colon -- x" (id int PRIMARY KEY, "/* c */" text); CREATE TABLE user_schema."aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg" ("hhhhhhhhhhiiiiiiiiiijjjjjjjjjjkkkkkkkkkkllllllllllmmmmmmmmmmnnn" serial PRIMARY KEY, v text UNIQUE);
CREATE INDEX "i""x" ON user_schema."Select" ("a.b"); CREATE TYPE user_schema."Ty pe" AS ENUM ('a''b', 'c"d', 'e\f'); ALTER TABLE user_schema."Select" ADD "T" user_schema."Ty pe"[]; CREATE FUNCTION user_schema."F(x)"("a b" int) RETURNS int LANGUAGE sql RETURN "a b" + 1; CREATE VIEW user_schema."V.w" AS SELECT "Order" AS "x y", user_schema."F(x)"("Order") FROM user_schema."Select"; CREATE SEQUENCE user_schema."S'q";
INSERT INTO user_schema."Select" ("Order", "T") SELECT i, ARRAY['a''b', 'c"d', 'e\f']::user_schema."Ty pe"[] FROM generate_series(1, 10) i; INSERT INTO user_schema."semi;colon -- x" VALUES (1, 'x'); INSERT INTO user_schema."aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg" (v) VALUES ('a');
COMMENT ON COLUMN user_schema."Select"."x""y" IS 'it''s \ a "comment" %s {}'; COMMENT ON TABLE user_schema."semi;colon -- x" IS E'two\nlines; DROP TABLE x; --';
-- @during
UPDATE user_schema."Select" SET "x""y" = 'n', "new
line" = 3 WHERE "Order" = 3;
-- @after
UPDATE "Select" SET "back\slash" = 4 WHERE "Order" = 4
