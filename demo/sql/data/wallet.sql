INSERT INTO wallet_schema.currencies VALUES ('USD', 'US dollar', 2, '$'), ('EUR', 'euro', 2, 'E'), ('JPY', 'yen', 0, 'Y'), ('GBP', 'pound sterling', 2, NULL);

INSERT INTO wallet_schema.movements (id, wallet_id, business_id, kind, amount, created_at)
SELECT i, i, demo_build.key('fund', i), 'fund', demo_build.funding(i), now() - interval '155 days'
FROM generate_series(1, demo_build.users()) AS i;
INSERT INTO wallet_schema.movements (id, wallet_id, business_id, kind, amount, created_at)
SELECT demo_build.users() + 2 * i + side,
       CASE side WHEN 0 THEN demo_build.payer(i) ELSE demo_build.payee(i) END,
       demo_build.key('payment', i), 'payment', CASE side WHEN 0 THEN -demo_build.amount(i) ELSE demo_build.amount(i) END, demo_build.at(i)
FROM generate_series(1, demo_build.payments()) AS i, (VALUES (0), (1)) AS s (side) WHERE demo_build.was_paid(i);
INSERT INTO wallet_schema.movements (id, wallet_id, business_id, kind, amount, created_at)
SELECT demo_build.users() + 2 * demo_build.payments() + 2 * i + side,
       CASE side WHEN 0 THEN demo_build.payee(i) ELSE demo_build.payer(i) END,
       demo_build.key('refund', i), 'refund', CASE side WHEN 0 THEN -demo_build.amount(i) ELSE demo_build.amount(i) END,
       demo_build.at(i) + interval '1 hour'
FROM generate_series(1, demo_build.payments()) AS i, (VALUES (0), (1)) AS s (side) WHERE demo_build.was_refunded(i);
SELECT setval('wallet_schema.movements_id_seq', demo_build.users() + 4 * demo_build.payments() + 1);

INSERT INTO wallet_schema.wallets (id, user_id, public_id, currency, balance, version, opened_at, updated_at)
SELECT wallet_id, wallet_id, demo_build.key('wallet', wallet_id), 'USD', sum(amount), count(*), min(created_at), max(created_at)
FROM wallet_schema.movements GROUP BY wallet_id;
SELECT setval(pg_get_serial_sequence('wallet_schema.wallets', 'id'), demo_build.users());

INSERT INTO wallet_schema.holds
SELECT demo_build.key('hold', i), i, 1 + i % 50, tstzrange(now() - i * interval '1 minute', CASE WHEN i % 4 = 0 THEN now() END, '[)'), i % 4 = 0
FROM generate_series(1, demo_build.users(), 20) AS i;
INSERT INTO wallet_schema.limits SELECT i, period, 1000 * (1 + i % 9) FROM generate_series(1, demo_build.users(), 4) AS i, (VALUES (interval '1 day'), ('1 mon')) AS p (period);
INSERT INTO wallet_schema.exchange_rates
SELECT base, quote, tstzrange(d, d + interval '1 day'), 1 + (demo_build.mix(extract(epoch FROM d)::bigint, length(base || quote)) % 1000000) / 3000000.0
FROM (VALUES ('USD', 'EUR'), ('USD', 'JPY'), ('GBP', 'USD')) AS c (base, quote), generate_series(now() - interval '100 days', now(), '1 day') AS d;
INSERT INTO wallet_schema.cards (wallet_id, pin_hash, flags, blocked_at)
SELECT i, sha256(i::text::bytea), (i % 256)::integer::bit(8), CASE WHEN i % 40 = 0 THEN now() END FROM generate_series(1, demo_build.users(), 3) AS i;
INSERT INTO wallet_schema."customer's gift" ("to ""whom""", wallet_id, amount, "open at")
SELECT 'friend of ' || i, i, i % 100 + 0.50, '18:00:00+02' FROM generate_series(1, demo_build.users(), 200) AS i;
