-- reg* values inside arrays, row types and domains are numbers, too, and travel as names
-- @setup
SET search_path = user_schema, public;
CREATE TABLE things (id int PRIMARY KEY); CREATE INDEX things_i ON things (id);
CREATE TYPE held AS (r regclass, n int); CREATE DOMAIN dreg AS regclass; CREATE DOMAIN many AS held[];
CREATE TABLE reg (id int PRIMARY KEY, rs regclass[], h held, d dreg, m many);
INSERT INTO reg VALUES (1, '{user_schema.things,user_schema.things_i}', ROW('user_schema.things_i', 1), 'user_schema.things_i',
    ARRAY[ROW('user_schema.things', 1), NULL, ROW('user_schema.things_i', 2)]::held[]);
CREATE TABLE fine (id int PRIMARY KEY, rs regclass[], h held, d dreg);
INSERT INTO fine VALUES (1, '{user_schema.things,user_schema.reg}', ROW('user_schema.fine', 1), 'user_schema.things'), (2, '{}', NULL, NULL);
-- @refused user_schema\.reg\.rs \(regclass\[\]\) names index user_schema\.things_i, which is made after the rows
-- @refused user_schema\.reg\.h \(user_schema\.held\) names index
-- @refused user_schema\.reg\.d \(user_schema\.dreg\) names index
-- @refused user_schema\.reg\.m \(user_schema\.many\) names index
-- @remedy
ALTER TABLE user_schema.reg ALTER COLUMN rs TYPE text[] USING rs::text[]
-- @remedy
ALTER TABLE user_schema.reg ALTER COLUMN h TYPE text USING h::text
-- @remedy
ALTER TABLE user_schema.reg ALTER COLUMN d TYPE text USING d::text
-- @remedy
ALTER TABLE user_schema.reg ALTER COLUMN m TYPE text USING m::text
-- @during
UPDATE user_schema.fine SET rs = '{user_schema.fine}', h = ROW('user_schema.things', 2) WHERE id = 1
-- @after
UPDATE fine SET d = 'user_schema.reg' WHERE id = 2
