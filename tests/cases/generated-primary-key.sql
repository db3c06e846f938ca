-- PeerDB-io/peerdb#4713, powersync-ja/powersync-service#379 kind: the primary key is a stored generated column
-- @setup
CREATE TABLE user_schema.docs (data jsonb NOT NULL, id text GENERATED ALWAYS AS (data->>'id') STORED PRIMARY KEY);
INSERT INTO user_schema.docs SELECT jsonb_build_object('id', 'k' || i, 'v', i) FROM generate_series(1, 50) i;
CREATE TABLE user_schema.parts (data jsonb NOT NULL, n int NOT NULL) PARTITION BY LIST (n);
CREATE TABLE user_schema."Part 1" PARTITION OF user_schema.parts FOR VALUES IN (1);
ALTER TABLE user_schema.parts ADD COLUMN place point;
-- @refused table user_schema.docs cannot be replicated.*its primary key is a generated column
-- @refused table user_schema."Part 1" cannot be replicated.*place \(point\) cannot be compared
-- @remedy
ALTER TABLE user_schema.docs ADD COLUMN row_id bigint GENERATED ALWAYS AS IDENTITY UNIQUE
-- @remedy
ALTER TABLE user_schema.parts ADD COLUMN IF NOT EXISTS row_id uuid NOT NULL DEFAULT gen_random_uuid(); CREATE UNIQUE INDEX ON user_schema."Part 1" (row_id)
-- @during
INSERT INTO user_schema.docs VALUES ('{"id": "new"}');
UPDATE user_schema.docs SET data = data || '{"v": 99}' WHERE id = 'k7';
DELETE FROM user_schema.docs WHERE id = 'k8';
INSERT INTO user_schema.parts VALUES ('{}', 1, '(1,2)');
-- @writer
UPDATE docs SET data = data || '{"w": $N}' WHERE id = 'k9'
-- @after
UPDATE docs SET data = data || '{"v": 98}' WHERE id = 'k7'; UPDATE parts SET place = '(2,3)';
