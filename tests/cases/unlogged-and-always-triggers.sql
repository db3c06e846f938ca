-- what replication does not carry, or would do twice: no-gos of an online move, with the statement that helps
-- @setup
CREATE UNLOGGED TABLE user_schema.cache (k text PRIMARY KEY, v text); INSERT INTO user_schema.cache VALUES ('a', 'b');
CREATE TABLE user_schema.t (id int PRIMARY KEY, v text); INSERT INTO user_schema.t VALUES (1, 'x'), (2, 'y');
CREATE FUNCTION user_schema.mark() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.v := NEW.v || '!'; RETURN NEW; END $$;
CREATE TRIGGER "A b" BEFORE UPDATE ON user_schema.t FOR EACH ROW EXECUTE FUNCTION user_schema.mark(); ALTER TABLE user_schema.t ENABLE ALWAYS TRIGGER "A b";
CREATE TRIGGER r BEFORE INSERT ON user_schema.t FOR EACH ROW EXECUTE FUNCTION user_schema.mark(); ALTER TABLE user_schema.t ENABLE REPLICA TRIGGER r;
CREATE TRIGGER off BEFORE INSERT ON user_schema.t FOR EACH ROW EXECUTE FUNCTION user_schema.mark(); ALTER TABLE user_schema.t DISABLE TRIGGER off;
-- @refused table user_schema\.cache is unlogged
-- @refused trigger user_schema\.t\."A b" fires on replicated rows too
-- @refused trigger user_schema\.t\.r fires on replicated rows too
-- @remedy
ALTER TABLE user_schema.cache SET LOGGED
-- @remedy
ALTER TABLE user_schema.t ENABLE TRIGGER "A b"
-- @remedy
ALTER TABLE user_schema.t ENABLE TRIGGER "r"
-- @during
UPDATE user_schema.t SET v = 'during' WHERE id = 1; INSERT INTO user_schema.cache VALUES ('c', 'd')
-- @after
UPDATE t SET v = 'after' WHERE id = 2; UPDATE cache SET v = 'e'
