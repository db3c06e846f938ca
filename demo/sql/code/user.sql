CREATE TRIGGER users_touch BEFORE UPDATE ON user_schema.users FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
CREATE VIEW user_schema.active_users AS SELECT id, public_id, handle, email, (name).given AS given_name, country FROM user_schema.users WHERE status = 'active';
CREATE VIEW user_schema.active_europeans WITH (security_barrier) AS SELECT * FROM user_schema.active_users WHERE country IN ('DE', 'FR') WITH LOCAL CHECK OPTION;
CREATE FUNCTION user_schema.display_name(who user_schema.users) RETURNS text LANGUAGE sql STABLE
    AS $$ SELECT coalesce((who.name).given || ' ' || (who.name).family, who.handle::text) $$;
CREATE FUNCTION user_schema.close_account(which uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE user_schema.users SET status = 'closed' WHERE public_id = which;
    IF NOT FOUND THEN RAISE EXCEPTION 'no user %', which USING ERRCODE = 'no_data_found'; END IF;
END
$$;
ALTER TABLE user_schema.credentials ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_credentials ON user_schema.credentials USING (
    nullif(current_setting('waqiti.user_id', true), '') IS NULL OR user_id = current_setting('waqiti.user_id', true)::bigint);
COMMENT ON TABLE user_schema.users IS 'Customers; one row a person, kept when an account is closed';
COMMENT ON COLUMN user_schema.users.legacy_code IS 'What the first system called them; padded with blanks';
COMMENT ON SCHEMA user_schema IS 'Owned by the user service';
GRANT USAGE ON SCHEMA user_schema TO waqiti_readonly;
GRANT SELECT (id, handle, country, created_at) ON user_schema.users TO waqiti_readonly;
