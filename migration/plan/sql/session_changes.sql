-- What applications notice of a session's settings, and of the database's text; a server without one leaves it out.
SELECT name, setting
FROM (
    SELECT name, pg_catalog.current_setting(name, true) AS setting
    FROM pg_catalog.unnest(ARRAY[
        'default_transaction_isolation', 'default_transaction_read_only', 'default_transaction_deferrable',
        'statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout',
        'idle_session_timeout', 'temp_file_limit', 'TimeZone', 'DateStyle', 'IntervalStyle', 'bytea_output',
        'extra_float_digits', 'array_nulls', 'standard_conforming_strings', 'transform_null_equals',
        'default_text_search_config', 'lc_messages', 'lc_monetary', 'lc_numeric', 'lc_time', 'search_path',
        'row_security', 'xmlbinary', 'xmloption'
    ]) AS name
    UNION ALL
    SELECT column_name, value
    FROM pg_catalog.pg_database d,
         LATERAL (VALUES ('encoding', pg_catalog.pg_encoding_to_char(d.encoding)::text),
                         ('lc_collate', d.datcollate::text), ('lc_ctype', d.datctype::text)) AS v (column_name, value)
    WHERE d.datname = pg_catalog.current_database()
) AS found
WHERE setting IS NOT NULL
ORDER BY name
