-- rules with whole rows, conditions, nothing
-- @source 15
-- @setup
SET search_path = user_schema, public;
CREATE TABLE t (id int PRIMARY KEY, v text, n int); CREATE TABLE hist (id int, was t, v text);
CREATE FUNCTION f(t) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ($1).v';
CREATE RULE r1 AS ON UPDATE TO t WHERE OLD.* IS DISTINCT FROM NEW.* DO ALSO INSERT INTO hist VALUES (OLD.id, OLD, f(OLD.*) || f(NEW));
CREATE RULE r2 AS ON DELETE TO t WHERE OLD.id IN (1, 2) DO INSTEAD NOTHING;
CREATE RULE r3 AS ON INSERT TO t DO ALSO (INSERT INTO hist VALUES (NEW.id, ROW(NEW.*)::t, 'ins'); UPDATE hist AS h SET v = 'q' WHERE h.id = NEW.id);
CREATE VIEW w AS SELECT t.*, f(t) AS fv FROM t; CREATE RULE wu AS ON UPDATE TO w DO INSTEAD UPDATE t SET v = NEW.v WHERE t.id = OLD.id RETURNING t.*, f(t);
CREATE RULE n AS ON UPDATE TO t DO ALSO NOTIFY chan; ALTER TABLE t DISABLE RULE n;
CREATE TABLE k (id int PRIMARY KEY, t t CHECK ((t).id > 0), CHECK (f(t) IS NOT NULL));
INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3); INSERT INTO k SELECT id, t FROM t;
-- @during
UPDATE user_schema.t SET v = 'z' WHERE id = 3; DELETE FROM user_schema.t WHERE id = 1;
-- @writer
UPDATE w SET v = '$N' WHERE id = 2
-- @after
INSERT INTO t VALUES (9, 'i', 9); UPDATE t SET v = 'y' WHERE id = 3
