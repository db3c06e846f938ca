-- Settings that sessions begin with, by role and database; '' is all of them.
SELECT coalesce(r.rolname, ''), coalesce(d.datname, ''), split_part(one, '=', 1), substr(one, strpos(one, '=') + 1)
FROM pg_catalog.pg_db_role_setting s
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) AS one
