-- How a session that sets nothing is shown values: each parameter, its value, and what it makes of some values where
-- another spelling of it may come to the same.
SELECT name, current_setting(name),
       CASE name
           WHEN 'lc_monetary' THEN concat(to_char(1234567.891, 'L9G999G999'), ' ', 1234.5::numeric::money)
           WHEN 'lc_numeric' THEN to_char(-1234567.891, '9G999G999D99S')
           WHEN 'lc_time' THEN (
               SELECT string_agg(to_char('2026-01-01'::date + 32 * n, 'TMDay TMDy TMMonth TMMon'), ' ' ORDER BY n)
               FROM generate_series(0, 11) n)
           ELSE lower(current_setting(name))
       END
FROM unnest(ARRAY['TimeZone', 'DateStyle', 'IntervalStyle', 'bytea_output', 'extra_float_digits', 'xmlbinary',
                  'lc_monetary', 'lc_numeric', 'lc_time']) AS name
ORDER BY name
