CREATE FUNCTION ledger_schema.keep_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ledger_schema.accounts SET balance = balance + NEW.amount WHERE id = NEW.account_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER postings_keep_balance AFTER INSERT ON ledger_schema.postings FOR EACH ROW EXECUTE FUNCTION ledger_schema.keep_balance();
CREATE FUNCTION ledger_schema.check_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    total numeric;
BEGIN
    SELECT sum(amount) INTO total FROM ledger_schema.postings WHERE entry_id = NEW.entry_id;
    IF total <> 0 THEN
        RAISE EXCEPTION 'entry % does not balance: %', NEW.entry_id, total USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER entries_balance AFTER INSERT ON ledger_schema.postings DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_schema.check_entry();
CREATE VIEW ledger_schema.trial_balance AS SELECT class, currency, sum(balance) AS balance FROM ledger_schema.accounts GROUP BY class, currency;
CREATE RECURSIVE VIEW ledger_schema.account_paths (id, path) AS
    SELECT id, code FROM ledger_schema.accounts WHERE parent_id IS NULL
    UNION ALL SELECT a.id, p.path || '/' || a.code FROM ledger_schema.accounts a JOIN account_paths p ON a.parent_id = p.id;
CREATE MATERIALIZED VIEW ledger_schema.monthly_postings AS
    SELECT date_trunc('month', posted_at) AS month, count(*) AS postings, sum(abs(amount)) AS moved FROM ledger_schema.postings GROUP BY 1;
CREATE PROCEDURE ledger_schema.close_period(which text) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_schema.closing_balances SELECT which, id, balance FROM ledger_schema.accounts WHERE wallet_id IS NULL
    ON CONFLICT (period, account_id) DO UPDATE SET balance = EXCLUDED.balance;
    UPDATE ledger_schema.periods SET closed = true WHERE name = which;
END
$$;
COMMENT ON TABLE ledger_schema.postings IS 'Every movement of money; the postings of an entry sum to zero';
