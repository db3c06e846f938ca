INSERT INTO compliance_schema.kyc_cases
SELECT demo_build.key('case', i), i, (ARRAY['open', 'in review', 'approved', 'rejected']::compliance_schema.case_state[])[1 + i % 4],
       CASE WHEN i % 5 <> 0 THEN (ARRAY['low', 'medium', 'high', 'critical']::public.risk_level[])[1 + i % 4] END,
       jsonb_build_array(jsonb_build_object('check', 'address', 'ok', i % 3 <> 0)), now() - interval '90 days', CASE WHEN i % 4 > 1 THEN now() END
FROM generate_series(1, demo_build.users(), 2) AS i;
INSERT INTO compliance_schema.kyc_documents (case_id, kind, scan, sha256)
SELECT demo_build.key('case', i), 'scan', CASE WHEN i % 10 <> 1 THEN lo_from_bytea(0, content) END, sha256(content)
FROM (SELECT 1 + 2 * n AS i, decode(repeat(md5(n::text), 64 * (1 + (n % 40))::integer), 'hex') AS content FROM generate_series(0, least(199, (demo_build.users() - 1) / 2)) AS n) AS made;
-- A large object of several pages and an empty one.
INSERT INTO compliance_schema.kyc_documents (case_id, kind, scan, sha256) VALUES
    (demo_build.key('case', 1), 'film', lo_from_bytea(0, convert_to(repeat('0123456789', 40000), 'UTF8')), sha256(convert_to(repeat('0123456789', 40000), 'UTF8'))),
    (demo_build.key('case', 1), 'nothing', lo_from_bytea(0, ''), sha256(''));
INSERT INTO compliance_schema.sanctions_entries
SELECT i, (ARRAY['Ivan', 'Maria', 'Ahmed', 'Łukasz', 'José'])[1 + i % 5] || ' Person ' || i,
       CASE WHEN i % 3 = 0 THEN ARRAY['Alias ' || i, 'e' || chr(769)] ELSE '{}' END, 'P' || i % 12, daterange(DATE '2015-01-01' + (i % 3000)::integer, NULL)
FROM generate_series(1, 5000) AS i;
INSERT INTO compliance_schema.sanctions_import SELECT 'list-' || i % 3, CASE WHEN i % 10 = 0 THEN NULL ELSE 'name ' || i % 500 END, round(i % 7 / 3.0, (i % 4)::integer)
FROM generate_series(1, 6000) AS i;
INSERT INTO compliance_schema.risk_scores SELECT i, 'v2', (i % 1000) / 999.0, ARRAY[i % 3, 0.1 * (i % 10)]::real[], now() - i * interval '1 second' FROM generate_series(1, demo_build.users()) AS i;
INSERT INTO compliance_schema.alerts (user_id, payment_id, level, region, raised_at, resolved)
SELECT demo_build.payer(i), demo_build.key('payment', i), 'medium', (ARRAY['global', 'eu', 'us'])[1 + i % 3], demo_build.at(i), i % 2 = 0
FROM generate_series(1, demo_build.payments(), 100) AS i;
INSERT INTO compliance_schema.alert_notes SELECT id, 1, 'analyst', 'looked at it' FROM compliance_schema.alerts WHERE resolved;
INSERT INTO compliance_schema.rules (id, name, current_version) SELECT i, 'rule ' || i, 2 FROM generate_series(1, 40) AS i;
SELECT setval(pg_get_serial_sequence('compliance_schema.rules', 'id'), 40);
INSERT INTO compliance_schema.rule_versions SELECT i, v, jsonb_build_object('amount', jsonb_build_object('gt', 100 * i)), numrange(i, i + 0.5 * v) FROM generate_series(1, 40) AS i, generate_series(1, 2) AS v;
INSERT INTO compliance_schema."Reports 2026" VALUES (1, 'Q1', '<report><n>1</n></report>', true), (2, '"Q2"', NULL, NULL);
