-- audit by trigger with hstore
-- @source 15
-- @target 17
-- @setup
CREATE EXTENSION hstore SCHEMA public; SET search_path = user_schema, public;
CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE audit (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz DEFAULT clock_timestamp(), who text DEFAULT session_user, old hstore, new hstore, tx bigint DEFAULT txid_current(), lsn pg_lsn DEFAULT pg_current_wal_lsn());
CREATE FUNCTION audit_it() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN INSERT INTO user_schema.audit (old, new) VALUES (CASE TG_OP WHEN 'INSERT' THEN NULL ELSE public.hstore(OLD) END, CASE TG_OP WHEN 'DELETE' THEN NULL ELSE public.hstore(NEW) END); RETURN coalesce(NEW, OLD); END $$;
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION audit_it(); INSERT INTO t SELECT i, 'x' FROM generate_series(1, 10) i;
-- @late
CREATE EXTENSION hstore SCHEMA public;
-- @writer
UPDATE t SET v = '$N' WHERE id = 5
-- @after
DELETE FROM t WHERE id = 2; INSERT INTO t VALUES (100, 'after')
