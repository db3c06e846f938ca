-- inheritance depths
-- @pair 15 17
-- @pair 15 18
-- @pair 17 18
-- @setup
SET search_path = user_schema;
CREATE TABLE p (id int PRIMARY KEY, a text, CHECK (id > 0), CONSTRAINT own CHECK (a <> 'z') NO INHERIT);
CREATE TABLE c1 (b int NOT NULL, PRIMARY KEY (id)) INHERITS (p);
CREATE TABLE q (x int DEFAULT 4, a text NOT NULL);
CREATE TABLE c2 (d text, PRIMARY KEY (id)) INHERITS (c1, q);
ALTER TABLE c1 ALTER a SET DEFAULT 'child'; ALTER TABLE c2 ALTER id SET NOT NULL;
CREATE TABLE lone (id int PRIMARY KEY, a text, y int); ALTER TABLE lone ADD CONSTRAINT p_id_check CHECK (id > 0); ALTER TABLE lone INHERIT p; ALTER TABLE lone ALTER y SET NOT NULL;
CREATE TABLE nn (id int NOT NULL PRIMARY KEY, v text NOT NULL); CREATE TABLE nn_child () INHERITS (nn); ALTER TABLE nn_child ADD PRIMARY KEY (id);
INSERT INTO p VALUES (1, 'a'); INSERT INTO c1 VALUES (2, 'b', 3); INSERT INTO c2 (id, a, b, d) VALUES (3, 'c', 4, 'd'); INSERT INTO lone VALUES (4, 'e', 5); INSERT INTO q VALUES (1, 'q'); INSERT INTO nn VALUES (1, 'x'); INSERT INTO nn_child VALUES (1, 'y');
-- @during
UPDATE user_schema.p SET a = a || '!';
-- @after
UPDATE p SET a = a || '?'; DELETE FROM p WHERE id = 2;
