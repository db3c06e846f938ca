INSERT INTO payment_schema.payments (id, number, payer_id, payee_id, payer_wallet_id, payee_wallet_id, amount, currency,
                                     state, reference, note, labels, details, created_at, updated_at)
OVERRIDING SYSTEM VALUE
SELECT demo_build.key('payment', i), 1000000 + i, demo_build.payer(i), demo_build.payee(i),
       demo_build.payer(i), demo_build.payee(i), demo_build.amount(i), 'USD',
       (CASE WHEN demo_build.dice(i) < 92 THEN 'settled' WHEN demo_build.dice(i) < 95 THEN 'refunded'
             WHEN demo_build.dice(i) < 98 THEN 'failed' ELSE 'cancelled' END)::payment_schema.payment_state,
       'PAY-' || lpad(upper(to_hex(i)), 10, '0'),
       CASE i % 8 WHEN 0 THEN 'rent, as agreed' WHEN 1 THEN '' WHEN 2 THEN 'thé & café ☕ ' END,
       CASE WHEN i % 6 = 0 THEN ARRAY['recurring', NULL, 'a,"b"'] END,
       CASE WHEN i % 10 = 0 THEN jsonb_build_object('channel', 'app', 'attempt', i % 4) END,
       demo_build.at(i), demo_build.at(i) + interval '2 seconds'
FROM generate_series(1, demo_build.payments()) AS i;
SELECT setval(pg_get_serial_sequence('payment_schema.payments', 'number'), 1000000 + demo_build.payments());

INSERT INTO payment_schema.refunds
SELECT demo_build.key('refund', i), demo_build.key('payment', i), demo_build.amount(i),
       CASE WHEN i % 2 = 0 THEN 'not as described' END, 'settled', demo_build.at(i) + interval '1 hour'
FROM generate_series(1, demo_build.payments()) AS i WHERE demo_build.was_refunded(i);

INSERT INTO payment_schema.payment_events (id, payment_id, state, at, payload)
SELECT i, demo_build.key('payment', i), 'pending', demo_build.at(i), '{"source":  "app", "v": 1, "v": 2}'
FROM generate_series(1, demo_build.payments(), 4) AS i;
SELECT setval(pg_get_serial_sequence('payment_schema.payment_events', 'id'), demo_build.payments());
INSERT INTO payment_schema.payment_methods (id, user_id, kind, token, expires_on, is_default)
SELECT i, i, (ARRAY['wallet', 'card', 'bank']::payment_schema.method_kind[])[1 + i % 3], sha256(i::text::bytea),
       CURRENT_DATE + (i % 1500)::integer, true FROM generate_series(1, demo_build.users()) AS i;
SELECT setval('payment_schema.payment_methods_id_seq', demo_build.users());
INSERT INTO payment_schema.merchants (id, parent_id, name, category_codes, risk) OVERRIDING SYSTEM VALUE
SELECT i, CASE WHEN i > 5 AND i % 2 = 0 THEN i / 2 END, 'Merchant ' || i, ARRAY[5411, i % 100]::smallint[],
       (ARRAY['low', 'medium', 'high', 'critical']::public.risk_level[])[1 + i % 4] FROM generate_series(1, 500) AS i;
SELECT setval(pg_get_serial_sequence('payment_schema.merchants', 'id'), 500);
INSERT INTO payment_schema.merchant_fees
SELECT i, daterange(DATE '2026-01-01' + 90 * n, DATE '2026-01-01' + 90 * (n + 1)),
       ROW(0.30, 1.25 + n * 0.05)::payment_schema.fee FROM generate_series(1, 500) AS i, generate_series(0, 3) AS n;
INSERT INTO payment_schema.disputes (id, payment_id, opened_by, story, evidence, resolved_at)
SELECT demo_build.key('dispute', i), demo_build.key('payment', i), demo_build.payer(i), repeat('It never came. ', 1 + (i % 400)::integer),
       CASE WHEN i % 2 = 0 THEN ARRAY['\x00ff'::bytea, ''::bytea] END, CASE WHEN i % 3 = 0 THEN now() END
FROM generate_series(1, demo_build.payments(), 500) AS i;
INSERT INTO payment_schema.idempotency_keys
SELECT 'key-' || i, sha256(i::text::bytea), jsonb_build_object('status', 200) FROM generate_series(1, demo_build.users(), 4) AS i;
INSERT INTO payment_schema.outbox (topic, payload, sent_at)
SELECT 'payment.settled', jsonb_build_object('n', i), CASE WHEN i % 100 <> 0 THEN now() END
FROM generate_series(1, demo_build.users(), 10) AS i;
INSERT INTO payment_schema."Zahlungsgründe ✓" VALUES ('miete', 'Miete'), ('überweisung', 'Überweisung'), (E'zeile\numbruch', ''), ('', 'leer');
