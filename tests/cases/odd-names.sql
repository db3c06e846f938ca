-- names with quotes, capitals, other letters, 63 bytes, line ends, and those of catalogues and of our own
-- @setup
CREATE TABLE user_schema."Ünïcode ""q"" . ; -- 'x' \ $$ %s {} 名前" ("ID Ä" int PRIMARY KEY, "user" text, "table" text, "old" text, "new" text, "Key" text, "a
b" text, "tab	x" text, "v" int, "row" text, "excluded" text, "ctid2" text, "s" text, "t" text, "q'q" text);
INSERT INTO user_schema."Ünïcode ""q"" . ; -- 'x' \ $$ %s {} 名前" SELECT i, 'a', 'b', 'c', 'd', 'e', 'f', 'g', i, 'h' FROM generate_series(1, 10) i;
CREATE TABLE user_schema.aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg (aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg int CONSTRAINT aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgg1 PRIMARY KEY, v text);
INSERT INTO user_schema.aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg VALUES (1, 'x');
CREATE TABLE user_schema."select" ("from" int PRIMARY KEY, "where" text, "order" text); INSERT INTO user_schema."select" VALUES (1, 'a', 'b'); CREATE TABLE user_schema."Tab" (id int PRIMARY KEY); CREATE TABLE user_schema.tab (id int PRIMARY KEY); CREATE TABLE user_schema."TAB" (id serial PRIMARY KEY); INSERT INTO user_schema."Tab" VALUES (1); INSERT INTO user_schema.tab VALUES (2); INSERT INTO user_schema."TAB" DEFAULT VALUES;
CREATE TABLE user_schema.ääääääääääääääääääääääääääääääx (id serial PRIMARY KEY, v int UNIQUE); INSERT INTO user_schema.ääääääääääääääääääääääääääääääx (v) VALUES (1), (2);
CREATE TABLE user_schema.waqiti_migration_guard (id int PRIMARY KEY, waqiti int); INSERT INTO user_schema.waqiti_migration_guard VALUES (1, 1); CREATE TABLE user_schema." " (" " int PRIMARY KEY); INSERT INTO user_schema." " VALUES (1); CREATE TABLE user_schema.pg_class (oid int PRIMARY KEY, relname text); INSERT INTO user_schema.pg_class VALUES (1, 'mine'); CREATE FUNCTION user_schema.lower(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1'; CREATE TABLE user_schema.pg_trigger (tgrelid int PRIMARY KEY);
-- @during
UPDATE user_schema."Ünïcode ""q"" . ; -- 'x' \ $$ %s {} 名前" SET "a
b" = 'during' WHERE "ID Ä" = 3; UPDATE user_schema.aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg SET v = 'd';
-- @writer
UPDATE "select" SET "where" = '$N'
-- @after
INSERT INTO "TAB" DEFAULT VALUES; INSERT INTO user_schema.ääääääääääääääääääääääääääääääx (v) VALUES (7); UPDATE user_schema.pg_class SET relname = 'still'
