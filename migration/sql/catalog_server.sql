-- What the server and the database are, as far as a move depends on it. One row.
SELECT current_setting('server_version_num')::int AS version_number,
       d.datname AS database,
       pg_encoding_to_char(d.encoding) AS encoding,
       -- An ICU or builtin provider sorts, whatever LC_COLLATE says; its locale's column has two names.
       d.datcollate || CASE WHEN d.datlocprovider <> 'c' THEN concat(
           ' (', CASE d.datlocprovider WHEN 'i' THEN 'ICU ' ELSE 'builtin ' END,
           coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'), ')') ELSE '' END AS collate,
       d.datctype AS ctype,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
       current_setting('max_locks_per_transaction')::int * (current_setting('max_connections')::int
           + current_setting('max_prepared_transactions')::int) AS lock_slots
FROM pg_database d
WHERE d.datname = current_database()
