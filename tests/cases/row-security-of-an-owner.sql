-- The common role owns the table, so that policies leave it alone; the service's role owns nothing.
-- @setup
CREATE TABLE user_schema.t (id int PRIMARY KEY, who text);
INSERT INTO user_schema.t VALUES (1, 'a'), (2, 'b');
ALTER TABLE user_schema.t ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON user_schema.t AS RESTRICTIVE USING (who = current_setting('app.who', true));
ALTER TABLE user_schema.t OWNER TO $APP;
-- @refused user_schema\.t .*rowSecurity: bind
-- @remedy services: user: rowSecurity: bypass
-- @writer INSERT INTO user_schema.t VALUES (100 + $N, 'written')
-- @after
SELECT 1 / (SELECT count(*) FROM user_schema.t WHERE id IN (1, 2));
UPDATE user_schema.t SET who = 'c' WHERE id = 1;
SELECT 1 / (SELECT count(*) FROM user_schema.t WHERE who = 'c')
-- @check
SELECT id, who FROM user_schema.t WHERE id < 100 ORDER BY id
