-- What makes splitting hard: things of one service that reach into another's.

ALTER TABLE wallet_schema.wallets ADD CONSTRAINT wallets_user_id_fkey FOREIGN KEY (user_id) REFERENCES user_schema.users;
ALTER TABLE payment_schema.payments ADD CONSTRAINT payments_payer_id_fkey FOREIGN KEY (payer_id) REFERENCES user_schema.users;
ALTER TABLE payment_schema.payments ADD CONSTRAINT payments_payer_wallet_id_fkey FOREIGN KEY (payer_wallet_id) REFERENCES wallet_schema.wallets;
ALTER TABLE ledger_schema.accounts ADD CONSTRAINT accounts_wallet_id_fkey FOREIGN KEY (wallet_id) REFERENCES wallet_schema.wallets;
ALTER TABLE compliance_schema.kyc_cases ADD CONSTRAINT kyc_cases_user_id_fkey FOREIGN KEY (user_id) REFERENCES user_schema.users;
ALTER TABLE compliance_schema.alerts ADD CONSTRAINT alerts_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES payment_schema.payments;
ALTER TABLE notification_schema.preferences ADD CONSTRAINT preferences_user_id_fkey FOREIGN KEY (user_id) REFERENCES user_schema.users ON DELETE CASCADE;

CREATE VIEW analytics_schema.customer_overview AS
    SELECT u.id, u.country, w.currency, w.balance FROM user_schema.users u JOIN wallet_schema.wallets w ON w.user_id = u.id;
COMMENT ON VIEW analytics_schema.customer_overview IS 'Reads two services at once';

CREATE FUNCTION compliance_schema.paid_by(which bigint) RETURNS numeric LANGUAGE sql STABLE
    AS $$ SELECT coalesce(sum(amount), 0) FROM payment_schema.payments WHERE payer_id = which AND state = 'settled' $$;
CREATE FUNCTION security_schema.handle_of(which bigint) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT handle FROM user_schema.users WHERE id = which);
END
$$;
