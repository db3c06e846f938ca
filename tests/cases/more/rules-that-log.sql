-- rules that log
-- @source 15
-- @target 17
-- @setup
SET search_path = user_schema;
CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE log (id int, v text, n bigserial PRIMARY KEY); GRANT ALL ON ALL TABLES IN SCHEMA user_schema TO $APP; GRANT USAGE ON ALL SEQUENCES IN SCHEMA user_schema TO $APP;
CREATE RULE logged AS ON UPDATE TO t DO ALSO INSERT INTO log (id, v) VALUES (OLD.id, NEW.v);
CREATE VIEW w AS SELECT id, v FROM t WHERE id > 0 WITH LOCAL CHECK OPTION;
CREATE VIEW x AS SELECT t.*, l.n FROM t LEFT JOIN log l USING (id); CREATE RULE x_ins AS ON INSERT TO x DO INSTEAD INSERT INTO t VALUES (NEW.id, NEW.v) RETURNING t.*, 0::bigint;
GRANT ALL ON w, x TO $APP;
INSERT INTO t SELECT i, 'v' FROM generate_series(1, 20) i;
-- @during
UPDATE user_schema.t SET v = 'w' WHERE id < 5;
-- @after
UPDATE t SET v = 'again' WHERE id = 4; INSERT INTO w VALUES (50, 'w'); INSERT INTO x (id, v) VALUES (51, 'x')
