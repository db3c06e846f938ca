INSERT INTO security_schema.audit_events (id, at, business_id, actor, action, outcome, address, detail)
SELECT i, demo_build.at(i), demo_build.key('payment', i), 'user_' || demo_build.payer(i), (ARRAY['pay', 'view', 'log in'])[1 + i % 3],
       (CASE WHEN i % 30 = 0 THEN 'denied' ELSE 'allowed' END)::security_schema.outcome, ('192.0.2.' || i % 256)::inet,
       CASE WHEN i % 3 = 0 THEN jsonb_build_object('agent', 'Waqiti/' || i % 30, 'trace', md5(i::text)) END
FROM generate_series(1, demo_build.payments()) AS i;
INSERT INTO security_schema.audit_events (id, at, actor, action) VALUES (demo_build.payments() + 1, '2001-01-01 00:00:00+00', 'system', 'installed');
SELECT setval(pg_get_serial_sequence('security_schema.audit_events', 'id'), demo_build.payments() + 1);
INSERT INTO security_schema.api_keys SELECT demo_build.key('api key', i), 'partner ' || i, sha256(i::text::bytea), ARRAY['read', 'pay'], CASE WHEN i % 2 = 0 THEN ARRAY['10.0.0.0/8', '2001:db8::/32']::cidr[] END, NULL
FROM generate_series(1, 300) AS i;
INSERT INTO security_schema.roles VALUES (1, 'reader', NULL), (2, 'agent', 1), (3, 'administrator', 2);
INSERT INTO security_schema.permissions SELECT r, 'resource ' || n, '{get,list}' FROM generate_series(1, 3) AS r, generate_series(1, 20) AS n;
INSERT INTO security_schema.memberships SELECT i, 1 + i % 3, now() FROM generate_series(1, demo_build.users(), 10) AS i;
INSERT INTO security_schema.ip_blocks SELECT ('198.18.' || i || '.0/24')::cidr, 'abuse', NULL FROM generate_series(0, 200) AS i;
INSERT INTO security_schema.failed_logins (handle, address, at, place) SELECT 'user_' || i, '203.0.113.9', now() - i * interval '1 second', point(i % 180, i % 90) FROM generate_series(1, demo_build.users(), 4) AS i;
INSERT INTO security_schema.secrets SELECT 'secret ' || i, 1, sha256(i::text::bytea) FROM generate_series(1, 20) AS i;
