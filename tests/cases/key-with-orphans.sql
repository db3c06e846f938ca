-- planetscale/pgcopydb#27: a valid foreign key with orphans (loaded with session_replication_role = replica)
-- @setup
CREATE TABLE user_schema.parent (id int PRIMARY KEY, "B b" int, UNIQUE (id, "B b"));
CREATE TABLE user_schema.child (id int PRIMARY KEY, parent int REFERENCES user_schema.parent);
CREATE TABLE user_schema."Full" (a bigint, "B b" int, CONSTRAINT "k e y" FOREIGN KEY (a, "B b")
    REFERENCES user_schema.parent (id, "B b") MATCH FULL);
INSERT INTO user_schema.parent VALUES (1, 1), (2, 2); INSERT INTO user_schema.child VALUES (1, 1), (4, NULL);
INSERT INTO user_schema."Full" VALUES (1, 1), (NULL, NULL);
SET session_replication_role = replica;
INSERT INTO user_schema.child VALUES (2, 77), (3, 78); INSERT INTO user_schema."Full" VALUES (1, NULL);
RESET session_replication_role;
-- @refused child_parent_fkey is called valid, and without a row in user_schema.parent: 2 rows
-- @refused "k e y" is called valid, and without a row in user_schema.parent: 1 row,
-- @remedy ALTER TABLE "user_schema"."child" DROP CONSTRAINT "child_parent_fkey", ADD CONSTRAINT "child_parent_fkey" FOREIGN KEY (parent) REFERENCES user_schema.parent(id) NOT VALID
-- @remedy ALTER TABLE "user_schema"."Full" DROP CONSTRAINT "k e y", ADD CONSTRAINT "k e y" FOREIGN KEY (a, "B b") REFERENCES user_schema.parent(id, "B b") MATCH FULL NOT VALID
-- @during
INSERT INTO user_schema.child VALUES (5, 2); DELETE FROM user_schema.child WHERE id = 2;
-- @after
INSERT INTO child VALUES (6, 1)
