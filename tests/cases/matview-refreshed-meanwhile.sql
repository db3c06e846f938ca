-- a materialized view that is refreshed on the side that serves is as old as the start on the other; an empty one stays empty
-- @setup
CREATE TABLE user_schema.t (id int PRIMARY KEY, v numeric);
INSERT INTO user_schema.t SELECT i, i / 3.0 FROM generate_series(1, 20) i;
CREATE MATERIALIZED VIEW user_schema.by_id AS SELECT id, v AS t FROM user_schema.t;
CREATE UNIQUE INDEX ON user_schema.by_id (id);
CREATE MATERIALIZED VIEW user_schema.over AS SELECT count(*), sum(t) FROM user_schema.by_id;
CREATE MATERIALIZED VIEW user_schema.old AS SELECT max(id) FROM user_schema.t;
CREATE MATERIALIZED VIEW user_schema.empty AS SELECT 1 AS one WITH NO DATA;
-- @during
INSERT INTO user_schema.t VALUES (100, 1);
REFRESH MATERIALIZED VIEW user_schema.by_id;
REFRESH MATERIALIZED VIEW user_schema.over;
-- @check
SELECT relname, relispopulated FROM pg_class WHERE relkind = 'm' ORDER BY 1
