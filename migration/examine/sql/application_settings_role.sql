-- Lets the transaction begin as a session of a role does: of what is set for it, for its database, and for all roles, the
-- most specific. Parameter: role.
SELECT set_config(name, value, true)
FROM (
    SELECT DISTINCT ON (lower(p.name)) p.name, p.value
    FROM (
        SELECT split_part(line, '=', 1), substr(line, strpos(line, '=') + 1), s.setrole = 0, s.setdatabase = 0
        FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) AS line
        WHERE s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = %(role)s))
          AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    ) AS p (name, value, every_role, every_database)
    WHERE lower(p.name) IN ('timezone', 'datestyle', 'intervalstyle', 'bytea_output', 'extra_float_digits', 'xmlbinary',
                            'lc_monetary', 'lc_numeric', 'lc_time')
    ORDER BY lower(p.name), p.every_role, p.every_database
) AS begun
