-- planetscale/pgcopydb#28: a json column in a table without a key; the update comes after the cutover
-- @setup
CREATE TABLE user_schema.events (at timestamptz DEFAULT now(), payload json);
INSERT INTO user_schema.events (payload) SELECT json_build_object('n', i) FROM generate_series(1, 50) i;
-- @refused table user_schema.events cannot be replicated.*payload \(json\) cannot be compared
-- @remedy
ALTER TABLE user_schema.events ADD COLUMN row_id bigint GENERATED ALWAYS AS IDENTITY UNIQUE
-- @after
UPDATE events SET payload = '{"n": 7, "seen": true}' WHERE payload->>'n' = '7';
