-- triggers of every kind
-- @source 15
-- @target 17
-- @setup
SET search_path = user_schema;
CREATE TABLE t (id int PRIMARY KEY, v text, updated timestamptz); CREATE TABLE log (n bigserial PRIMARY KEY, what text); GRANT ALL ON ALL TABLES IN SCHEMA user_schema TO $APP; GRANT USAGE ON ALL SEQUENCES IN SCHEMA user_schema TO $APP;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated := clock_timestamp(); RETURN NEW; END $$;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = user_schema AS $$ BEGIN INSERT INTO log (what) VALUES (TG_OP || TG_NAME || coalesce(TG_ARGV[0], '') || session_user::text IS NOT NULL); PERFORM pg_notify('ch', 'x'); RETURN NULL; END $$;
CREATE FUNCTION many() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE c int; BEGIN SELECT count(*) INTO c FROM newrows; INSERT INTO user_schema.log (what) VALUES ('rows ' || c); RETURN NULL; END $$;
CREATE TRIGGER a_touch BEFORE INSERT OR UPDATE OF v ON t FOR EACH ROW WHEN (NEW.v IS DISTINCT FROM 'no') EXECUTE FUNCTION touch();
CREATE TRIGGER "B note" AFTER INSERT OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION note('it''s', 'two');
CREATE CONSTRAINT TRIGGER c_note AFTER UPDATE ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER d_many AFTER UPDATE ON t REFERENCING NEW TABLE AS newrows FOR EACH STATEMENT EXECUTE FUNCTION many();
CREATE TRIGGER e_trunc AFTER TRUNCATE ON t EXECUTE FUNCTION note();
CREATE TRIGGER f_off AFTER INSERT ON t EXECUTE FUNCTION note(); ALTER TABLE t DISABLE TRIGGER f_off;
INSERT INTO t SELECT i, 'v' FROM generate_series(1, 20) i;
-- @during
UPDATE user_schema.t SET v = 'w' WHERE id < 5;
-- @writer
UPDATE t SET v = '$N' WHERE id = 7
-- @after
INSERT INTO t VALUES (100, 'after'); UPDATE t SET v = 'again' WHERE id = 100; DELETE FROM t WHERE id = 2
