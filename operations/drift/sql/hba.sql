-- What pg_hba.conf says now, and whether the server has read it since it was changed.
SELECT pg_catalog.pg_read_file(current_setting('hba_file')),
       (pg_catalog.pg_stat_file(current_setting('hba_file'))).modification > pg_catalog.pg_conf_load_time(),
       current_setting('hba_file')
