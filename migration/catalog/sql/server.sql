-- What the server and the database are, as far as a move depends on it. One row.
SELECT current_setting('server_version_num')::int AS version_number,
       d.datname AS database,
       pg_encoding_to_char(d.encoding) AS encoding,
       jsonb_build_object(
           'provider', CASE d.datlocprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
           'collate', d.datcollate, 'ctype', d.datctype,
           -- The name of this column changed.
           'name', CASE WHEN d.datlocprovider <> 'c' THEN
               coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') END,
           'rules', to_jsonb(d) ->> 'daticurules') AS locale,
       pg_database_collation_actual_version(d.oid) AS collation_version,
       current_setting('default_text_search_config') AS text_search,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
       current_setting('max_locks_per_transaction')::int * (current_setting('max_connections')::int
           + current_setting('max_prepared_transactions')::int) AS lock_slots
FROM pg_database d
WHERE d.datname = current_database()
