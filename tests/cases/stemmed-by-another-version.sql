-- PostgreSQL 18's release notes (Snowball brought up to date), every tutorial on text search: a stored tsvector; 'added' is
-- 'ad' up to 17 and 'add' from 18 on, so that both sides would never be equal
-- @source 15
-- @target 18
-- @setup
SET search_path = user_schema;
CREATE TABLE doc (id int PRIMARY KEY, body text, words tsvector GENERATED ALWAYS AS (to_tsvector('english', body)) STORED);
CREATE INDEX ON doc USING gin (words);
INSERT INTO doc (id, body) VALUES (1, 'plain'), (2, 'added'), (3, NULL);
-- @refused generated column user_schema\.doc\.words is computed otherwise by PostgreSQL 18: 1 of 3 rows looked at, id=2: 'ad':1 by PostgreSQL 15, 'add':1 by PostgreSQL 18
-- @remedy
ALTER TABLE "user_schema"."doc" ALTER COLUMN "words" DROP EXPRESSION; CREATE FUNCTION "user_schema"."doc_words"() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW."words" := (SELECT to_tsvector(''english''::regconfig, body) FROM (SELECT NEW.*) AS t); RETURN NEW; END'; CREATE TRIGGER "doc_words" BEFORE INSERT OR UPDATE ON "user_schema"."doc" FOR EACH ROW EXECUTE FUNCTION "user_schema"."doc_words"()
-- @during
INSERT INTO user_schema.doc (id, body) VALUES (10, 'added meanwhile'); UPDATE user_schema.doc SET body = 'added, too' WHERE id = 1
-- @after
INSERT INTO doc (id, body) VALUES (20, 'added later'); UPDATE doc SET body = 'added at last' WHERE id = 3
