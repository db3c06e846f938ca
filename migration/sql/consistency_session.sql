-- A session that only looks, and whose values are written alike on every server. A million
-- values are sorted in memory, not on disk.
-- `row_security = off` makes a policy that would hide rows an error.
SELECT pg_catalog.set_config(setting, value, false)
FROM (VALUES
    ('default_transaction_read_only', 'on'),
    ('default_transaction_isolation', 'repeatable read'),
    ('search_path', ''),
    ('TimeZone', 'UTC'),
    ('DateStyle', 'ISO, YMD'),
    ('IntervalStyle', 'postgres'),
    ('extra_float_digits', '1'),
    ('bytea_output', 'hex'),
    ('lc_monetary', 'C'),
    ('row_security', 'off'),
    ('work_mem', '64MB'),
    ('jit', 'off'),
    ('statement_timeout', '0'),
    ('lock_timeout', '10s'),
    ('idle_in_transaction_session_timeout', '0')
) AS settings (setting, value)
