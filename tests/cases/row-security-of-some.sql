-- Policies bind the common role on one table (FORCE), and not on another.
-- @setup
CREATE TABLE user_schema.free (id int PRIMARY KEY, who text); INSERT INTO user_schema.free VALUES (1, 'a'), (2, 'b');
CREATE TABLE user_schema.forced (id int PRIMARY KEY, who text); INSERT INTO user_schema.forced VALUES (1, 'a'), (2, 'b');
ALTER TABLE user_schema.free ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON user_schema.free USING (who = 'a');
ALTER TABLE user_schema.forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY few ON user_schema.forced USING (who = 'a');
CREATE MATERIALIZED VIEW user_schema.counted AS SELECT count(*) AS n FROM user_schema.forced;
ALTER TABLE user_schema.free OWNER TO $APP; ALTER TABLE user_schema.forced OWNER TO $APP;
-- @refused user_schema\.free .*rowSecurity: keep
-- @remedy services: user: rowSecurity: keep
-- @writer INSERT INTO user_schema.free VALUES (100 + $N, 'written')
-- @during INSERT INTO user_schema.forced VALUES (3, 'c'); REFRESH MATERIALIZED VIEW user_schema.counted
-- @after
SELECT 1 / (SELECT count(*) FROM user_schema.free WHERE who = 'b');
SELECT 1 / (SELECT count(*) FROM user_schema.forced);
SELECT 1 / (2 - (SELECT count(*) FROM user_schema.forced))
-- @check
SELECT id, who FROM user_schema.forced ORDER BY id
