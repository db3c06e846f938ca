INSERT INTO analytics_schema.events (id, occurred_at, name, user_id, amount, properties)
SELECT i, demo_build.at(i), (ARRAY['screen.viewed', 'payment.made', 'payment.opened', 'help.read'])[1 + i % 4], demo_build.payer(i),
       CASE WHEN i % 4 = 1 THEN demo_build.amount(i) END,
       jsonb_build_object('screen', 'home', 'ms', i % 900, 'campaign', 'c' || i % 20, 'path', ARRAY['home', 'pay', 'step ' || i % 7])
FROM generate_series(1, demo_build.payments()) AS i;
INSERT INTO analytics_schema.events (id, occurred_at, name) VALUES (demo_build.payments() + 1, '1999-12-31 23:59:59.999999+00', 'from before');
SELECT setval(pg_get_serial_sequence('analytics_schema.events', 'id'), demo_build.payments() + 1);

INSERT INTO analytics_schema.daily_totals SELECT occurred_at::date, name, count(*), coalesce(sum(amount), 0) FROM analytics_schema.events GROUP BY 1, 2;
INSERT INTO analytics_schema.dates (day, year, week, name) SELECT d, extract(year FROM d), extract(week FROM d), to_char(d, 'FMDay') FROM generate_series('2020-01-01'::timestamp, '2029-12-31', '1 day') AS d;
INSERT INTO analytics_schema.cohorts (month, members, retention)
SELECT d, ARRAY(SELECT generate_series(1, 300)), '{1,0.5,0.25}' FROM generate_series(DATE '2026-01-01', DATE '2026-10-01', '1 month') AS d;
INSERT INTO analytics_schema.funnels VALUES (1, 'sign up', '{start,email,done}', NULL), (2, 'sign up, phone', '{start,phone,done}', 1);
INSERT INTO analytics_schema.metrics SELECT 'm' || i % 10, now() - i * interval '1 minute', sqrt(i), public.hstore('host', 'h' || i % 3) FROM generate_series(1, demo_build.users() / 2) AS i;
INSERT INTO analytics_schema.counters SELECT 'counter ' || i, 0 FROM generate_series(1, 12) AS i;
INSERT INTO analytics_schema.counters VALUES ('twice', 1), ('twice', 1), (NULL, NULL);
INSERT INTO analytics_schema.experiments VALUES ('blue-button', '["blue",   "green"]', '{[1,1000),[5000,6000)}', tstzrange('2026-01-01 00:00+00', NULL)), ('empty', '[]', '{}', 'empty');
