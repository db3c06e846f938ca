-- As whom schema migrations act in a schema: its owner, or else (a superuser) the services' common role.
-- NULL: neither would do. And whether the asking role is a superuser.
SELECT CASE WHEN NOT o.rolsuper THEN o.rolname
            WHEN NOT a.rolsuper THEN a.rolname END::text,
       (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
FROM pg_catalog.pg_namespace n
JOIN pg_catalog.pg_roles o ON o.oid = n.nspowner
LEFT JOIN pg_catalog.pg_roles a ON a.rolname = %(application)s
WHERE n.nspname = %(schema)s
