-- a common role that owns the tables is not bound by their policies; a service's own role would be: no row after the move
-- @setup
CREATE TABLE user_schema.notes (id int PRIMARY KEY, who text);
INSERT INTO user_schema.notes VALUES (1, 'a'), (2, 'b');
ALTER TABLE user_schema.notes OWNER TO $APP;
ALTER TABLE user_schema.notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON user_schema.notes USING (who = current_setting('app.who', true));
-- @refused polic.*user_schema\.notes
