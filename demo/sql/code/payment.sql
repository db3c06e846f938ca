CREATE TRIGGER payments_touch BEFORE UPDATE ON payment_schema.payments FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION public.touch_updated_at();
CREATE FUNCTION payment_schema.note_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO payment_schema.payment_events (payment_id, state, payload) VALUES (NEW.id, NEW.state, json_build_object('by', 'trigger'));
    RETURN NULL;
END
$$;
CREATE TRIGGER payments_note_state AFTER INSERT OR UPDATE OF state ON payment_schema.payments FOR EACH ROW EXECUTE FUNCTION payment_schema.note_state();
CREATE FUNCTION payment_schema.refuse_going_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('refunded', 'failed', 'cancelled') AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'payment % is % and stays so', OLD.id, OLD.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER "a payment's end is final" BEFORE UPDATE OF state ON payment_schema.payments FOR EACH ROW EXECUTE FUNCTION payment_schema.refuse_going_back();
ALTER TABLE payment_schema.payments ALTER COLUMN reference SET DEFAULT public.reference_code('PAY', (extract(epoch FROM clock_timestamp()) * 1000)::bigint);
CREATE VIEW payment_schema.settled_by_day AS
    SELECT created_at::date AS day, currency, count(*) AS payments, sum(total) AS total FROM payment_schema.payments WHERE state = 'settled' GROUP BY 1, 2;
CREATE PROCEDURE payment_schema.expire_keys(older_than interval DEFAULT '7 days') LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM payment_schema.idempotency_keys WHERE expires_at < now() - older_than;
END
$$;
CREATE RULE merchants_are_kept AS ON DELETE TO payment_schema.merchants DO INSTEAD NOTHING;
COMMENT ON TYPE payment_schema.payment_state IS 'pending, then settled or failed; settled, then refunded';
COMMENT ON COLUMN payment_schema."Zahlungsgründe ✓"."Schlüssel" IS 'It''s the key';
GRANT USAGE ON SCHEMA payment_schema TO waqiti_readonly;
GRANT SELECT ON payment_schema.settled_by_day, payment_schema.payments TO waqiti_readonly;
