CREATE FUNCTION security_schema.audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only ever appended to' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON security_schema.audit_events FOR EACH ROW EXECUTE FUNCTION security_schema.audit_is_append_only();
-- Once for each business transaction and action, however often it is called: the lock makes a second
-- call wait for the first one's end, and a function's statements each see what is committed by then.
CREATE FUNCTION security_schema.record_audit(business uuid, who text, what text, more jsonb DEFAULT NULL) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(business::text, 0));
    IF EXISTS (SELECT FROM security_schema.audit_events WHERE business_id = business AND action = what) THEN
        RETURN false;
    END IF;
    INSERT INTO security_schema.audit_events (business_id, actor, action, detail) VALUES (business, who, what, more);
    RETURN true;
END
$$;
CREATE FUNCTION security_schema.seal(secret text, key text) RETURNS bytea LANGUAGE sql
    AS $$ SELECT public.pgp_sym_encrypt(secret, key) $$;
CREATE VIEW security_schema.denied AS SELECT at, actor, action FROM security_schema.audit_events WHERE outcome = 'denied';
REVOKE ALL ON FUNCTION security_schema.seal(text, text) FROM PUBLIC;
ALTER TABLE security_schema.secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE security_schema.secrets FORCE ROW LEVEL SECURITY;
CREATE POLICY services_only ON security_schema.secrets USING (current_setting('waqiti.sealed', true) IS DISTINCT FROM 'on');
GRANT USAGE ON SCHEMA security_schema TO waqiti_readonly;
GRANT SELECT ON security_schema.audit_events TO waqiti_readonly;
