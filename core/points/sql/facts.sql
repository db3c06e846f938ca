SELECT (SELECT system_identifier FROM pg_catalog.pg_control_system()),
       pg_catalog.has_function_privilege('pg_catalog.pg_create_restore_point(text)', 'EXECUTE'),
       pg_catalog.pg_is_in_recovery()
