-- What the shared server and this session's role are, as a first draft needs it. One row.
SELECT
    pg_catalog.current_setting('server_version_num')::int AS version_number,
    pg_catalog.pg_is_in_recovery() AS standby,
    pg_catalog.pg_encoding_to_char(d.encoding) AS encoding,
    d.datlocprovider::text AS provider,
    d.datcollate AS collate,
    d.datctype AS ctype,
    -- The column has two names, by version.
    coalesce(pg_catalog.to_jsonb(d) ->> 'datlocale', pg_catalog.to_jsonb(d) ->> 'daticulocale') AS locale,
    pg_catalog.to_jsonb(d) ->> 'daticurules' AS rules,
    r.rolname AS role,
    r.rolsuper AS superuser,
    r.rolsuper OR r.rolreplication AS may_replicate,
    r.rolsuper OR r.rolcreaterole AS may_make_roles,
    (SELECT stats_reset FROM pg_catalog.pg_stat_database WHERE datname = d.datname) AS counted_since
FROM pg_catalog.pg_database AS d, pg_catalog.pg_roles AS r
WHERE d.datname = pg_catalog.current_database() AND r.rolname = current_user
