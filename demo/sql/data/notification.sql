INSERT INTO notification_schema.templates (id, name, channel, current_version) SELECT i, 'template ' || i, (ARRAY['email', 'sms', 'push', 'in app']::public.contact_channel[])[1 + i % 4], 1 FROM generate_series(1, 30) AS i;
SELECT setval(pg_get_serial_sequence('notification_schema.templates', 'id'), 30);
INSERT INTO notification_schema.template_versions SELECT i, 1, language, 'Hello {name} ' || i, '{name}' FROM generate_series(1, 30) AS i, (VALUES ('en'), ('fr')) AS l (language);
INSERT INTO notification_schema.notifications (id, channel, user_id, business_id, template_id, subject, body, state, created_at, sent_at)
SELECT i, (ARRAY['email', 'sms', 'push', 'voice', 'carrier pigeon'])[1 + i % 5], demo_build.payee(i), demo_build.key('payment', i), 1 + i % 30,
       CASE WHEN i % 5 = 0 THEN 'You were paid' END,
       'You received ' || demo_build.amount(i) || ' USD from user ' || demo_build.payer(i) || '. See it in your wallet.',
       (CASE WHEN i % 50 = 0 THEN 'failed' ELSE 'sent' END)::notification_schema.delivery_state, demo_build.at(i), demo_build.at(i) + interval '1 second'
FROM generate_series(1, demo_build.payments(), 2) AS i;
SELECT setval(pg_get_serial_sequence('notification_schema.notifications', 'id'), demo_build.payments());
INSERT INTO notification_schema.deliveries SELECT i, 1, CASE WHEN i % 50 = 0 THEN 'mailbox full' ELSE '250 OK' END, (i % 2000) / 7.0, demo_build.at(i)
FROM generate_series(1, demo_build.payments(), 8) AS i;
INSERT INTO notification_schema.preferences
SELECT i, CASE WHEN i % 4 = 0 THEN '{email,"in app"}' ELSE '{email}' END::public.contact_channel[], CASE WHEN i % 2 = 0 THEN notification_schema.time_span('22:00', '23:59') END
FROM generate_series(1, demo_build.users()) AS i;
INSERT INTO notification_schema.device_tokens SELECT md5('token' || i), i, 'ios', now() FROM generate_series(1, demo_build.users(), 2) AS i;
INSERT INTO notification_schema.jobs (queue, payload, attempts) SELECT 'mail', jsonb_build_object('to', i), i % 3 FROM generate_series(1, 2000) AS i;
INSERT INTO notification_schema.bounces SELECT 'User' || i || '@example.com', 'no such mailbox', now() - i * interval '1 hour' FROM generate_series(1, 300) AS i;
INSERT INTO notification_schema."Campaigns" ("Name", "Ziel‑Gruppe", "Sends") VALUES ('Launch', '{"alter": [18, 30]}', '{1,2,3}'), ('Ruhe', NULL, '{}');
