CREATE TRIGGER wallets_touch BEFORE UPDATE ON wallet_schema.wallets FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
CREATE FUNCTION wallet_schema.available(which bigint) RETURNS public.money_amount LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT (w.balance - coalesce((SELECT sum(h.amount) FROM wallet_schema.holds h WHERE h.wallet_id = w.id AND NOT h.released), 0))::public.money_amount
    FROM wallet_schema.wallets w WHERE w.id = which;
END;
CREATE FUNCTION wallet_schema.movements_are_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'movements are never changed' USING ERRCODE = 'object_not_in_prerequisite_state';
END
$$;
CREATE TRIGGER movements_are_final BEFORE UPDATE OR DELETE ON wallet_schema.movements FOR EACH ROW EXECUTE FUNCTION wallet_schema.movements_are_final();
CREATE MATERIALIZED VIEW wallet_schema.balances_by_currency AS SELECT currency, count(*) AS wallets, sum(balance) AS balance FROM wallet_schema.wallets GROUP BY currency;
CREATE UNIQUE INDEX balances_by_currency_key ON wallet_schema.balances_by_currency (currency);
COMMENT ON INDEX wallet_schema.balances_by_currency_key IS 'For REFRESH CONCURRENTLY';
COMMENT ON CONSTRAINT never_overdrawn ON wallet_schema.wallets IS 'The last guard; services check first';
