INSERT INTO user_schema.users (id, public_id, handle, email, phone, name, status, country, referred_by,
                               default_address_id, settings, languages, legacy_code, created_at, updated_at)
SELECT i, demo_build.key('user', i), 'user_' || i, 'User' || i || '@example.com',
       CASE WHEN i % 7 <> 0 THEN '+1 (555) ' || lpad((i % 10000000)::text, 7, '0') END,
       CASE i % 11 WHEN 0 THEN NULL WHEN 1 THEN ROW('Zoë', 'O''Brien, "Z"')::user_schema.full_name
                   WHEN 2 THEN ROW('', NULL)::user_schema.full_name
                   ELSE ROW('Given' || i, 'Family' || i % 997)::user_schema.full_name END,
       (CASE WHEN i % 50 = 0 THEN 'suspended' WHEN i % 97 = 0 THEN 'closed' ELSE 'active' END)::user_schema.user_status,
       (ARRAY['US', 'GB', 'DE', 'FR', 'NG', 'JP'])[1 + i % 6],
       CASE WHEN i > 10 AND i % 3 = 0 THEN i / 3 END, CASE WHEN i % 2 = 0 THEN i END,
       CASE WHEN i % 4 = 0 THEN jsonb_build_object('theme', 'dark', 'limit', i % 1000, 'tags', jsonb_build_array(i, NULL)) ELSE '{}' END,
       CASE WHEN i % 5 = 0 THEN ARRAY['en', 'fr'] WHEN i % 13 = 0 THEN '{}' ELSE ARRAY['en'] END,
       CASE WHEN i % 9 = 0 THEN 'L' || i END,
       now() - interval '200 days' + i * interval '1 second', now() - interval '150 days'
FROM generate_series(1, demo_build.users()) AS i;
SELECT setval(pg_get_serial_sequence('user_schema.users', 'id'), demo_build.users());

INSERT INTO user_schema.addresses (id, user_id, kind, address, valid)
SELECT i, i, (ARRAY['home', 'work', 'billing'])[1 + i % 3],
       ROW(i || ' Main Street' || CASE WHEN i % 17 = 0 THEN E'\nFlat "B", back\\slash' ELSE '' END,
           (ARRAY['São Paulo', 'Zürich', '東京', 'Lagos'])[1 + i % 4], lpad((i % 99999)::text, 5, '0'), 'US')::public.postal_address,
       daterange(CURRENT_DATE - (i % 900)::integer, CASE WHEN i % 3 = 0 THEN CURRENT_DATE END)
FROM generate_series(2, demo_build.users(), 2) AS i;
SELECT setval('user_schema.addresses_id_seq', demo_build.users());

INSERT INTO user_schema.credentials (user_id, password_hash, salt, totp_secret)
SELECT i, encode(sha256(i::text::bytea), 'hex'), decode(md5(i::text), 'hex'),
       CASE WHEN i % 3 = 0 THEN substring(sha256(('t' || i)::bytea) FOR 20) END
FROM generate_series(1, demo_build.users()) AS i;

INSERT INTO user_schema.devices
SELECT demo_build.key('device', i), i, (ARRAY['ios', 'android', 'web'])[1 + i % 3],
       ('10.' || i % 256 || '.' || i / 256 % 256 || '.7')::inet, CASE WHEN i % 2 = 0 THEN '08:00:2b:01:02:03'::macaddr END,
       public.hstore(ARRAY['model', 'os'], ARRAY['M' || i % 40, CASE WHEN i % 5 = 0 THEN NULL ELSE (i % 17)::text END]),
       CASE i % 101 WHEN 0 THEN 'infinity'::timestamptz ELSE now() - i * interval '1 minute' END
FROM generate_series(1, demo_build.users()) AS i;

INSERT INTO user_schema.consents SELECT i, purpose, i % 3 <> 0, now()::timestamp - i * interval '1 minute'
FROM generate_series(1, demo_build.users(), 2) AS i, (VALUES ('marketing'), ('sharing')) AS p (purpose);
INSERT INTO user_schema.login_history
SELECT 1 + i % demo_build.users(), now() - i * (interval '170 days' / (2 * demo_build.users())),
       ('fd00::' || to_hex(i % 65536))::inet, CASE WHEN i % 4 = 0 THEN NULL ELSE 'Waqiti/' || i % 30 END,
       make_interval(secs => (i % 900) / 1000.0)
FROM generate_series(1, 2 * demo_build.users()) AS i;
INSERT INTO user_schema.login_history VALUES (1, '2001-09-09 01:46:40+00', '::1', 'before all partitions', '0');
INSERT INTO user_schema."User Preferences"
SELECT i, (ARRAY['light', 'dark', ''])[1 + i % 3], CASE WHEN i % 2 = 0 THEN int4range(22, 24) END, i % 5 <> 0
FROM generate_series(1, demo_build.users(), 3) AS i;
INSERT INTO user_schema.user_tags SELECT i, tag, (i % 100) / 8.0
FROM generate_series(1, demo_build.users(), 5) AS i, unnest(ARRAY['vip', 'beta tester']) AS tag;
INSERT INTO user_schema.import_rejects SELECT i % 40, CASE WHEN i % 3 = 0 THEN NULL WHEN i % 3 = 1 THEN '' ELSE E'a\tb\\N' END, 'malformed'
FROM generate_series(1, 200) AS i;
INSERT INTO user_schema.identity_documents
SELECT demo_build.key('document', i), i, 'passport', decode(repeat(md5(i::text), 20 + (i % 200)::integer), 'hex'), CURRENT_DATE + (i % 3000)::integer
FROM generate_series(1, demo_build.users(), 50) AS i;
