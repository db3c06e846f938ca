INSERT INTO ledger_schema.entries (id, business_id, kind, memo, posted_at)
SELECT i, demo_build.key('fund', i), 'fund', NULL, now() - interval '155 days' FROM generate_series(1, demo_build.users()) AS i;
INSERT INTO ledger_schema.entries (id, business_id, kind, memo, posted_at)
SELECT demo_build.users() + i, demo_build.key('payment', i), 'payment', CASE WHEN i % 5 = 0 THEN 'payment ' || i END, demo_build.at(i)
FROM generate_series(1, demo_build.payments()) AS i WHERE demo_build.was_paid(i);
INSERT INTO ledger_schema.entries (id, business_id, kind, memo, posted_at)
SELECT demo_build.users() + demo_build.payments() + i, demo_build.key('refund', i), 'refund', 'not as described', demo_build.at(i) + interval '1 hour'
FROM generate_series(1, demo_build.payments()) AS i WHERE demo_build.was_refunded(i);
SELECT setval('ledger_schema.entries_id_seq', demo_build.users() + 2 * demo_build.payments());

-- Account 100 + n is wallet n's; account 1 is the money that came in from outside.
INSERT INTO ledger_schema.postings (id, entry_id, account_id, amount, posted_at)
SELECT 2 * i + side, i, CASE side WHEN 0 THEN 1 ELSE 100 + i END,
       CASE side WHEN 0 THEN -demo_build.funding(i) ELSE demo_build.funding(i) END, now() - interval '155 days'
FROM generate_series(1, demo_build.users()) AS i, (VALUES (0), (1)) AS s (side);
INSERT INTO ledger_schema.postings (id, entry_id, account_id, amount, posted_at)
SELECT 2 * (demo_build.users() + i) + side, demo_build.users() + i,
       100 + CASE side WHEN 0 THEN demo_build.payer(i) ELSE demo_build.payee(i) END,
       CASE side WHEN 0 THEN -demo_build.amount(i) ELSE demo_build.amount(i) END, demo_build.at(i)
FROM generate_series(1, demo_build.payments()) AS i, (VALUES (0), (1)) AS s (side) WHERE demo_build.was_paid(i);
INSERT INTO ledger_schema.postings (id, entry_id, account_id, amount, posted_at)
SELECT 2 * (demo_build.users() + demo_build.payments() + i) + side, demo_build.users() + demo_build.payments() + i,
       100 + CASE side WHEN 0 THEN demo_build.payee(i) ELSE demo_build.payer(i) END,
       CASE side WHEN 0 THEN -demo_build.amount(i) ELSE demo_build.amount(i) END, demo_build.at(i) + interval '1 hour'
FROM generate_series(1, demo_build.payments()) AS i, (VALUES (0), (1)) AS s (side) WHERE demo_build.was_refunded(i);
SELECT setval(pg_get_serial_sequence('ledger_schema.postings', 'id'), 2 * (demo_build.users() + 2 * demo_build.payments()) + 2);

INSERT INTO ledger_schema.accounts (id, parent_id, wallet_id, code, class, currency, balance)
SELECT house.id, house.parent_id, NULL, house.code, house.class::ledger_schema.account_class, 'USD',
       coalesce((SELECT sum(amount) FROM ledger_schema.postings WHERE account_id = house.id), 0)
FROM (VALUES (1, 10, '1000', 'asset'), (2, 10, '1100', 'asset'), (3, 20, '4000', 'income'), (4, NULL, '5000', 'expense'),
             (10, NULL, '1', 'asset'), (20, NULL, '4', 'income')) AS house (id, parent_id, code, class);
INSERT INTO ledger_schema.accounts (id, parent_id, wallet_id, code, class, currency, balance)
SELECT account_id, 2, account_id - 100, 'W' || account_id - 100, 'liability', 'USD', sum(amount)
FROM ledger_schema.postings WHERE account_id > 100 GROUP BY account_id;
SELECT setval(pg_get_serial_sequence('ledger_schema.accounts', 'id'), 100 + demo_build.users());

INSERT INTO ledger_schema.periods
SELECT to_char(d, 'YYYY-MM'), daterange(d::date, (d + interval '1 month')::date), d < now() - interval '2 months'
FROM generate_series(date_trunc('year', now()), date_trunc('year', now()) + interval '11 months', '1 month') AS d;
INSERT INTO ledger_schema.closing_balances SELECT name, n, n * 1.000001 FROM ledger_schema.periods, generate_series(1, 4) AS n WHERE closed;
INSERT INTO ledger_schema.bank_statements (id, bank, issued, last_line_id)
SELECT i, 'First Bank', CURRENT_DATE - i::integer, 10 * i FROM generate_series(1, 120) AS i;
INSERT INTO ledger_schema.bank_lines (id, statement_id, amount, text)
SELECT i, 1 + (i - 1) / 10, (i % 977) - 400.25, 'line ' || i FROM generate_series(1, 1200) AS i;
SELECT setval(pg_get_serial_sequence('ledger_schema.bank_statements', 'id'), 120), setval(pg_get_serial_sequence('ledger_schema.bank_lines', 'id'), 1200);
INSERT INTO ledger_schema.reconciliations SELECT i, i, 0, 'robot' FROM generate_series(1, least(1000, demo_build.users())) AS i;
INSERT INTO ledger_schema.raw_bank_lines SELECT CURRENT_DATE - (i % 30)::integer, 'line ' || i % 700,
       (ARRAY[0.1, '-0', 'NaN', 'Infinity', 1e-300, 12345678.9]::float8[])[1 + i % 6] FROM generate_series(1, 2000) AS i;
