-- The settings that a row's text depends on, and those that keep a long scan predictable.
-- Local to the transaction; `row_security = off` makes a policy that would hide rows an error.
SELECT pg_catalog.set_config(setting, value, true)
FROM (VALUES
    ('search_path', ''),
    ('TimeZone', 'UTC'),
    ('DateStyle', 'ISO, YMD'),
    ('IntervalStyle', 'postgres'),
    ('extra_float_digits', '1'),
    ('bytea_output', 'hex'),
    ('lc_monetary', 'C'),
    ('quote_all_identifiers', 'off'),
    ('row_security', 'off'),
    ('jit', 'off'),
    ('max_parallel_workers_per_gather', '0'),
    ('statement_timeout', '0'),
    ('lock_timeout', '10s'),
    ('idle_in_transaction_session_timeout', '0')
) AS settings (setting, value)
